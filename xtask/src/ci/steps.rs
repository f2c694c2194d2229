//! Steps with a number, a title and a time.

use std::time::Instant;

use crate::error::Error;
use crate::test::{print, seconds};

pub(super) struct Steps {
    begun: usize,
    since: Instant,
}

impl Steps {
    pub(super) fn begin() -> Steps {
        Steps {
            begun: 0,
            since: Instant::now(),
        }
    }

    pub(super) fn step(
        &mut self,
        title: &str,
        run: impl FnOnce() -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.begun += 1;
        let (number, since) = (self.begun, Instant::now());
        print(format!("\n── {number}. {title}\n").as_bytes());
        match run() {
            Ok(()) => {
                let time = seconds(since.elapsed());
                print(format!("── {number}. passed in {time}\n").as_bytes());
                Ok(())
            }
            Err(Error::Interrupted) => Err(Error::Interrupted),
            Err(error) => Err(Error::Failed(format!(
                "ci: step {number} ({title}) failed: {error}"
            ))),
        }
    }

    pub(super) fn end(self) {
        let time = seconds(self.since.elapsed());
        print(format!("\nci: all {} steps passed in {time}\n", self.begun).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_fails_is_named_and_an_interruption_stays_one() {
        let mut steps = Steps::begin();
        assert_eq!(steps.step("one", || Ok(())), Ok(()));
        let failed = steps.step("two", || Err(Error::Usage("it broke".to_string())));
        assert_eq!(
            failed,
            Err(Error::Failed(
                "ci: step 2 (two) failed: it broke".to_string()
            ))
        );
        assert_eq!(
            steps.step("three", || Err(Error::Interrupted)),
            Err(Error::Interrupted)
        );
    }
}
