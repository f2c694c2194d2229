//! Walks a copied stack, frame by frame, by the unwind tables of the loaded objects.
//!
//! Nothing here runs in a signal handler and nothing here is unsafe: the stack is read from a copy,
//! and the tables through the kernel. Whatever they contain, the worst result is a backtrace that
//! is truncated or wrong. Each step must lead up the stack, and the number of steps is limited.
//!
//! Code without tables (made at run time, or assembly) is walked by its frame pointers. These
//! frames count only if they lead back to code of a loaded object; otherwise the backtrace is
//! truncated before them, since any number in the frame pointer's register may look like one.

use gimli::{CfaRule, EvaluationResult, Location, RegisterRule, UnwindContext, UnwindExpression};

use super::live::Memory;
use super::modules::Modules;
use super::registers::{self, COUNT, FRAME_POINTER, STACK_POINTER};
use super::snapshot::{Snapshot, Stack};
use super::tables::{Entry, Reader};
use crate::backtrace::trace::{Address, Trace};

/// Deeper stacks are truncated.
const MAX_FRAMES: usize = 192;

/// The most steps of one DWARF expression. Real ones have fewer than ten.
const MAX_OPERATIONS: u32 = 100;

/// A frame, with the registers whose values are known.
struct Frame {
    at: Address,
    registers: [Option<u64>; COUNT],
}

impl Frame {
    fn register(&self, register: gimli::Register) -> Option<u64> {
        self.registers.get(usize::from(register.0)).copied()?
    }
}

/// The reason why there is no next frame.
enum NoFrame {
    /// This was the outermost one.
    End,
    /// It cannot be found.
    Truncated,
}

type Step = Result<Frame, NoFrame>;

/// The frames of a stack, the innermost first.
pub(super) fn walk(modules: &Modules, snapshot: &Snapshot) -> Trace {
    let memory = Memory::default();
    let mut context = UnwindContext::new();
    let mut frame = Frame {
        at: Address {
            address: snapshot.next,
            is_next: true,
        },
        registers: snapshot.registers.map(Some),
    };
    let mut addresses = vec![frame.at];
    // How many frames are certain: the rest depends on frame pointers.
    let mut certain = 1;
    while addresses.len() < MAX_FRAMES {
        match step(modules, &memory, &snapshot.stack, &frame, &mut context) {
            Ok(next) => frame = next,
            Err(NoFrame::End) if certain == addresses.len() => {
                return Trace {
                    addresses,
                    is_truncated: false,
                };
            }
            Err(NoFrame::End | NoFrame::Truncated) => break,
        }
        addresses.push(frame.at);
        if modules.at(frame.at.within()).is_some() {
            certain = addresses.len();
        }
    }
    addresses.truncate(certain);
    Trace {
        addresses,
        is_truncated: true,
    }
}

fn step(
    modules: &Modules,
    memory: &Memory,
    stack: &Stack,
    frame: &Frame,
    context: &mut UnwindContext<usize>,
) -> Step {
    let address = frame.at.within();
    let index = modules.at(address).and_then(|module| module.index);
    let entry = index.and_then(|index| Entry::find(memory, index, address));
    let by_tables = entry.and_then(|entry| by_tables(&entry, stack, frame, context));
    match by_tables {
        Some(step) => step,
        None => by_frame_pointer(stack, frame).ok_or(NoFrame::Truncated),
    }
}

/// The next frame by the rules of the tables. `None` if they do not cover the code.
fn by_tables(
    entry: &Entry,
    stack: &Stack,
    frame: &Frame,
    context: &mut UnwindContext<usize>,
) -> Option<Step> {
    let section = entry.section();
    let function = entry.parse(&section).ok()?;
    let address = frame.at.within();
    if !function.contains(address) {
        return None;
    }
    let Ok(row) = function.unwind_info_for_address(&section, entry.bases(), context, address)
    else {
        return Some(Err(NoFrame::Truncated));
    };
    let rules = Rules {
        section: &section,
        stack,
        frame,
    };
    let Some(top) = rules.top(row.cfa()) else {
        return Some(Err(NoFrame::Truncated));
    };
    let returns = function.cie().return_address_register();
    match row.register(returns) {
        Some(RegisterRule::Undefined) => return Some(Err(NoFrame::End)),
        // A function that calls nothing may keep its return address in a register, no other.
        None if !frame.at.is_next => return Some(Err(NoFrame::Truncated)),
        _ => {}
    }
    // A register without a rule keeps its value. The stack pointer is the frame's upper end.
    let mut registers = frame.registers;
    registers[STACK_POINTER] = Some(top);
    for (register, rule) in row.registers() {
        if let Some(value) = registers.get_mut(usize::from(register.0)) {
            *value = rules.value(rule, *register, top);
        }
    }
    let return_address = registers.get(usize::from(returns.0)).copied().flatten();
    let Some(return_address) = return_address.map(registers::plain) else {
        return Some(Err(NoFrame::Truncated));
    };
    if return_address == 0 {
        return Some(Err(NoFrame::End));
    }
    let was_interrupted = function.is_signal_trampoline();
    // Only a frame below a signal's may be on another stack, and only the innermost may be empty.
    let lower = frame.registers[STACK_POINTER];
    let leads_up = lower.is_some_and(|lower| top > lower || (frame.at.is_next && top == lower));
    if !leads_up && !was_interrupted {
        return Some(Err(NoFrame::Truncated));
    }
    Some(Ok(Frame {
        at: Address {
            address: return_address,
            is_next: was_interrupted,
        },
        registers,
    }))
}

/// The next frame, if the frame pointer points to the saved frame pointer and the return address,
/// which is the layout of all compilers that use it.
fn by_frame_pointer(stack: &Stack, frame: &Frame) -> Option<Frame> {
    let saved = frame.registers[FRAME_POINTER]?;
    let lower = frame.registers[STACK_POINTER]?;
    if saved < lower {
        return None;
    }
    let mut registers = frame.registers;
    registers[FRAME_POINTER] = Some(stack.word(saved)?);
    registers[STACK_POINTER] = Some(saved.checked_add(16)?);
    let address = registers::plain(stack.word(saved.checked_add(8)?)?);
    (address != 0).then_some(Frame {
        at: Address {
            address,
            is_next: false,
        },
        registers,
    })
}

/// The data that the rules of one row refer to.
struct Rules<'a> {
    section: &'a gimli::EhFrame<Reader<'a>>,
    stack: &'a Stack,
    frame: &'a Frame,
}

impl Rules<'_> {
    /// The canonical frame address: the upper end of the frame.
    fn top(&self, rule: &CfaRule<usize>) -> Option<u64> {
        match rule {
            CfaRule::RegisterAndOffset { register, offset } => {
                let base = self.frame.register(*register)?;
                Some(base.wrapping_add_signed(*offset))
            }
            CfaRule::Expression(expression) => self.evaluate(expression, None),
        }
    }

    /// The value that a register has in the calling function.
    fn value(
        &self,
        rule: &RegisterRule<usize>,
        register: gimli::Register,
        top: u64,
    ) -> Option<u64> {
        match rule {
            RegisterRule::SameValue => self.frame.register(register),
            RegisterRule::Offset(offset) => self.stack.word(top.wrapping_add_signed(*offset)),
            RegisterRule::ValOffset(offset) => Some(top.wrapping_add_signed(*offset)),
            RegisterRule::Register(other) => self.frame.register(*other),
            RegisterRule::Expression(expression) => {
                self.stack.word(self.evaluate(expression, Some(top))?)
            }
            RegisterRule::ValExpression(expression) => self.evaluate(expression, Some(top)),
            RegisterRule::Constant(value) => Some(*value),
            _ => None,
        }
    }

    /// The result of an expression. `None` also if it needs memory that is not on the copied stack.
    fn evaluate(&self, expression: &UnwindExpression<usize>, first: Option<u64>) -> Option<u64> {
        let encoding = gimli::Encoding {
            address_size: 8,
            format: gimli::Format::Dwarf32,
            version: 4,
        };
        let mut evaluation = expression.get(self.section).ok()?.evaluation(encoding);
        evaluation.set_max_iterations(MAX_OPERATIONS);
        if let Some(first) = first {
            evaluation.set_initial_value(first);
        }
        let mut result = evaluation.evaluate().ok()?;
        loop {
            result = match result {
                EvaluationResult::Complete => break,
                EvaluationResult::RequiresRegister { register, .. } => {
                    let value = gimli::Value::Generic(self.frame.register(register)?);
                    evaluation.resume_with_register(value).ok()?
                }
                EvaluationResult::RequiresMemory {
                    address, size: 8, ..
                } => {
                    let value = gimli::Value::Generic(self.stack.word(address)?);
                    evaluation.resume_with_memory(value).ok()?
                }
                _ => return None,
            };
        }
        match evaluation.as_result() {
            [piece] => match piece.location {
                Location::Address { address } => Some(address),
                _ => None,
            },
            _ => None,
        }
    }
}
