//! A pipeline before its run: settings and stages.

use std::sync::Arc;

use crate::error::{Cause, PipelineError};
use crate::handle::{Handle, Shared};
use crate::plan::{Plan, Planned, Settings};
use crate::protocols::buffer::Buffer;
use crate::worker::Entry;

const DEFAULT_BUFFER: usize = 16;

/// Adds the workers of all stages to a plan, from the buffer of the inputs to that of the outputs.
type Wire<'f, I, O> =
    Box<dyn FnOnce(&mut Plan<'f>, Arc<Buffer<Entry<I>>>) -> Arc<Buffer<Entry<O>>> + Send + 'f>;

/// The settings and stages behind a `Pipeline` or a `KeepGoing`.
pub(crate) struct Blueprint<'f, I, O> {
    pub(crate) shared: Arc<Shared>,
    pub(crate) settings: Settings,
    wire: Wire<'f, I, O>,
}

impl<'f, I: Send + 'f> Blueprint<'f, I, I> {
    pub(crate) fn new() -> Self {
        Self {
            shared: Arc::new(Shared::new()),
            settings: Settings {
                buffer: DEFAULT_BUFFER,
                ordered: true,
                keep_going: false,
                deadline: None,
                stack_size: None,
            },
            wire: Box::new(|_, entrance| entrance),
        }
    }
}

impl<'f, I: Send + 'f, O: Send + 'f> Blueprint<'f, I, O> {
    pub(crate) fn add<P, F>(self, name: Arc<str>, workers: usize, work: F) -> Blueprint<'f, I, P>
    where
        P: Send + 'f,
        F: Fn(O) -> Result<P, Cause> + Send + Sync + 'f,
    {
        self.shared.add_stage(name, workers);
        let before = self.wire;
        Blueprint {
            shared: self.shared,
            settings: self.settings,
            wire: Box::new(move |plan, entrance| {
                let input = before(plan, entrance);
                plan.add_stage(&input, work)
            }),
        }
    }

    pub(crate) fn handle(&self) -> Handle {
        Handle(Arc::clone(&self.shared))
    }

    /// # Errors
    /// [`PipelineError::Build`] if a setting cannot work.
    pub(crate) fn plan<'run, T>(self, inputs: T) -> Result<Planned<'run, O>, PipelineError>
    where
        T: Iterator<Item = I> + Send + 'run,
        'f: 'run,
    {
        let mut plan = Plan::new(&self.shared, self.settings)?;
        let entrance = plan.entrance();
        let exit = (self.wire)(&mut plan, Arc::clone(&entrance));
        Ok(plan.finish(inputs, entrance, exit))
    }
}
