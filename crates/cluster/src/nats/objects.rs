//! Inputs and outputs that are too large for a message, in an object store.

use std::time::Duration;

use async_nats::jetstream;
use async_nats::jetstream::object_store::{Config, ObjectStore};
use async_nats::jetstream::stream::StorageType;
use tokio::io::AsyncReadExt;

use super::server::Server;

/// Objects that were not deleted, because their caller or worker died, go after this time.
const MAX_AGE: Duration = Duration::from_secs(24 * 3_600);

/// The bucket of large inputs and outputs.
#[derive(Clone)]
pub(super) struct Objects {
    server: Server,
    is_durable: bool,
}

impl Objects {
    pub(super) fn new(server: &Server, is_durable: bool) -> Self {
        Self {
            server: server.clone(),
            is_durable,
        }
    }

    async fn bucket(&self) -> Result<ObjectStore, String> {
        let context = jetstream::new(self.server.client.clone());
        let bucket = &self.server.names.bucket;
        if let Ok(store) = context.get_object_store(bucket).await {
            return Ok(store);
        }
        let storage = if self.is_durable {
            StorageType::File
        } else {
            StorageType::Memory
        };
        let config = Config {
            bucket: bucket.clone(),
            max_age: MAX_AGE,
            storage,
            ..Config::default()
        };
        match context.create_object_store(config).await {
            Ok(store) => Ok(store),
            // Another process was faster.
            Err(error) => context
                .get_object_store(bucket)
                .await
                .map_err(|_| format!("the object store cannot be made: {error}")),
        }
    }

    pub(super) async fn put(&self, name: &str, content: &[u8]) -> Result<(), String> {
        let bucket = self.bucket().await?;
        let put = bucket.put(name, &mut &*content).await;
        put.map(drop).map_err(|error| error.to_string())
    }

    /// An object of at most `limit` bytes.
    pub(super) async fn get(&self, name: &str, limit: usize) -> Result<Vec<u8>, String> {
        let bucket = self.bucket().await?;
        let object = bucket.get(name).await.map_err(|error| error.to_string())?;
        if object.info.size > limit {
            return Err(format!("the object has {} bytes", object.info.size));
        }
        let mut content = Vec::with_capacity(object.info.size);
        let mut limited = object.take(limit as u64 + 1);
        limited
            .read_to_end(&mut content)
            .await
            .map_err(|error| error.to_string())?;
        if content.len() > limit {
            return Err("the object is larger than it says".to_owned());
        }
        Ok(content)
    }

    pub(super) async fn delete(&self, name: &str) {
        if let Ok(bucket) = self.bucket().await {
            // An object that stays behind goes after `MAX_AGE`.
            let _ = bucket.delete(name).await;
        }
    }
}
