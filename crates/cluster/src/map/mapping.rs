//! [`Mapping`]: the settings of a map.

use std::borrow::Borrow;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::Stream;

use super::core::{Core, Settings};
use super::iter::MapIter;
use super::stream::MapStream;
use crate::cluster::Cluster;
use crate::error::JobError;
use crate::job::Job;
use crate::retry::Retry;

/// The default number of inputs between the oldest result that was not returned and the newest
/// input that was read. Enough for several chunks of the maximum size for each of a few dozen
/// slots.
const LOOK_AHEAD: NonZeroUsize = NonZeroUsize::new(65_536).unwrap();

impl Cluster {
    /// Runs the job on each input and returns one result per input, in input order.
    ///
    /// Many small inputs travel in one message. An input that fails is tried again by itself.
    ///
    /// ```
    /// use effective_cluster::{Cluster, job};
    ///
    /// job! { fn invert(number: i32) -> i32 { 1_000 / number } }
    ///
    /// let cluster = Cluster::local(2)?;
    /// let results = cluster.map::<invert>([10, 0, 4]);
    /// assert!(matches!(results[..], [Ok(100), Err(_), Ok(250)]));
    /// let error = results[1].as_ref().unwrap_err().to_string();
    /// assert!(error.starts_with("the job failed in 3 attempts, the last time: the job panicked"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Each result has its own.
    pub fn map<J: Job>(
        &self,
        inputs: impl IntoIterator<Item: Borrow<J::Input>>,
    ) -> Vec<Result<J::Output, JobError>> {
        self.mapping().iter::<J, _>(inputs).collect()
    }

    /// A `map` with settings, as an iterator or as a stream.
    pub fn mapping(&self) -> Mapping<'_> {
        let settings = Settings {
            retry: self.shared.retry,
            time_limit: self.shared.time_limit,
            chunk: None,
            look_ahead: LOOK_AHEAD,
        };
        Mapping {
            cluster: self,
            settings,
        }
    }
}

/// A `map` with settings. Created by [`Cluster::mapping`].
#[derive(Clone, Copy, Debug)]
#[must_use = "`iter` or `stream` runs the map"]
pub struct Mapping<'a> {
    cluster: &'a Cluster,
    settings: Settings,
}

impl Mapping<'_> {
    /// Sends `inputs` inputs at once (fewer at the end, or if they are large). By default a chunk
    /// is one input until the first result says how long an input runs, and then as many as run for
    /// about 10 ms, at most 1,024.
    pub fn chunk_size(mut self, inputs: NonZeroUsize) -> Self {
        self.settings.chunk = Some(inputs);
        self
    }

    /// Reads at most `inputs` inputs ahead of the oldest result that was not returned. By default
    /// 65,536.
    pub fn look_ahead(mut self, inputs: NonZeroUsize) -> Self {
        self.settings.look_ahead = inputs;
        self
    }

    /// Limits how long the job may run for each input, in place of the cluster's own limit.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.settings.time_limit = Some(limit);
        self
    }

    /// How often the job is tried for an input, in place of the cluster's own setting.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.settings.retry = retry;
        self
    }

    /// Iterates over the results in input order. Reads the inputs as the results are taken, a
    /// bounded number ahead.
    ///
    /// ```
    /// use std::num::NonZeroUsize;
    /// use effective_cluster::{Cluster, job};
    ///
    /// job! { fn square(number: u64) -> u64 { number * number } }
    ///
    /// let cluster = Cluster::local(2)?;
    /// let squares = cluster
    ///     .mapping()
    ///     .look_ahead(NonZeroUsize::new(100).unwrap())
    ///     .iter::<square, _>(0..);
    /// let first: Result<Vec<u64>, _> = squares.take(4).collect();
    /// assert_eq!(first?, [0, 1, 4, 9]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn iter<J, I>(self, inputs: I) -> MapIter<J, I::IntoIter>
    where
        J: Job,
        I: IntoIterator<Item: Borrow<J::Input>>,
    {
        MapIter::new(self.core(), inputs.into_iter())
    }

    /// The results as a stream, in input order, of a stream of inputs. The inputs are polled as the
    /// results are taken, a bounded number ahead.
    pub fn stream<J, S>(self, inputs: S) -> MapStream<J, S>
    where
        J: Job,
        S: Stream<Item: Borrow<J::Input>> + Unpin,
    {
        MapStream::new(self.core(), inputs)
    }

    fn core<J: Job>(&self) -> Core<J> {
        Core::new(Arc::clone(&self.cluster.shared), self.settings)
    }
}
