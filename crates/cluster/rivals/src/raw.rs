//! async-nats itself: JetStream with a publish acknowledgement, a result and an acknowledgement for
//! each job, and plain request and reply.

use std::future::IntoFuture;
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
use async_nats::jetstream::stream::{RetentionPolicy, StorageType};
use async_nats::jetstream::{self, stream};
use async_nats::{Client, Subscriber};
use futures::StreamExt;
use futures::future::try_join_all;
use tokio::runtime::{Builder, Runtime};

use crate::workers::PULLED;

const JOBS: &str = "raw.jobs";
const RESULTS: &str = "raw.results";
const REQUESTS: &str = "raw.requests";
/// Publish acknowledgements that are awaited together.
const ACKS: usize = 100;
/// The jobs of one pull. async-nats pulls again when half of it is left, so that a worker has
/// pulled as many as one of `cluster`: at most half more than this.
const BATCH: usize = PULLED * 2 / 3;

fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

async fn ready(client: &Client) -> PullConsumer {
    let context = jetstream::new(client.clone());
    let config = stream::Config {
        name: "raw".to_owned(),
        subjects: vec![JOBS.to_owned()],
        retention: RetentionPolicy::WorkQueue,
        storage: StorageType::Memory,
        ..stream::Config::default()
    };
    let stream = context
        .get_or_create_stream(config)
        .await
        .expect("a stream");
    let config = pull::Config {
        durable_name: Some("raw".to_owned()),
        ack_policy: AckPolicy::Explicit,
        ack_wait: Duration::from_secs(5),
        max_ack_pending: 65_536,
        ..pull::Config::default()
    };
    stream
        .get_or_create_consumer("raw", config)
        .await
        .expect("a consumer")
}

/// Works until the process is killed.
pub(crate) fn work(url: &str) -> ! {
    runtime().block_on(async {
        let client = async_nats::connect(url).await.expect("the server");
        let consumer = ready(&client).await;
        let mut requests = client
            .queue_subscribe(REQUESTS, "workers".to_owned())
            .await
            .expect("a subscription")
            .fuse();
        let mut jobs = consumer
            .stream()
            .max_messages_per_batch(BATCH)
            .messages()
            .await
            .expect("messages")
            .fuse();
        loop {
            futures::select_biased! {
                request = requests.select_next_some() => {
                    let reply = request.reply.expect("a reply");
                    client.publish(reply, request.payload).await.expect("connected");
                }
                job = jobs.select_next_some() => {
                    let job = job.expect("a job");
                    client.publish(RESULTS, job.payload.clone()).await.expect("connected");
                    job.ack().await.expect("connected");
                }
            }
        }
    })
}

/// A caller of the raw workers.
pub struct Raw {
    runtime: Runtime,
    client: Client,
    context: jetstream::Context,
    results: Subscriber,
}

impl Raw {
    /// Connects.
    ///
    /// # Panics
    /// If the server is not there.
    pub fn connect(url: &str) -> Self {
        let runtime = runtime();
        let (client, context, results) = runtime.block_on(async {
            let client = async_nats::connect(url).await.expect("the server");
            ready(&client).await;
            let results = client.subscribe(RESULTS).await.expect("a subscription");
            client.flush().await.expect("connected");
            (client.clone(), jetstream::new(client), results)
        });
        Self {
            runtime,
            client,
            context,
            results,
        }
    }

    /// One job there and back, `count` times, over JetStream.
    pub fn trips(&mut self, count: usize, payload: &[u8]) {
        self.runtime.block_on(async {
            for _ in 0..count {
                let ack = self.context.publish(JOBS, payload.to_vec().into()).await;
                let ack = ack.expect("connected");
                self.results.next().await.expect("a result");
                ack.await.expect("acknowledged");
            }
        });
    }

    /// `count` jobs over JetStream, of which at most `window` are outstanding.
    pub fn flood(&mut self, count: usize, window: usize, payload: &[u8]) {
        self.runtime.block_on(async {
            let (mut sent, mut done, mut acks) = (0, 0, Vec::new());
            while done < count {
                while sent < count && sent - done < window {
                    let ack = self.context.publish(JOBS, payload.to_vec().into()).await;
                    acks.push(ack.expect("connected").into_future());
                    sent += 1;
                    if acks.len() == ACKS {
                        try_join_all(acks.drain(..)).await.expect("acknowledged");
                    }
                }
                self.results.next().await.expect("a result");
                done += 1;
            }
            try_join_all(acks).await.expect("acknowledged");
        });
    }

    /// One request and reply, `count` times, without JetStream.
    pub fn requests(&mut self, count: usize, payload: &[u8]) {
        self.runtime.block_on(async {
            for _ in 0..count {
                let request = self.client.request(REQUESTS, payload.to_vec().into());
                request.await.expect("a reply");
            }
        });
    }
}
