//! An HTTP server on a thread of its own, which answers with JSON after a delay.
//!
//! It stands for a service that a job calls. It is part of the program, because a job has to find
//! it in every process that runs tasks.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::OnceLock;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

/// The address of the server of this process, which is started on the first call.
///
/// # Panics
///
/// If there is no port or no thread for it.
pub fn address() -> SocketAddr {
    static ADDRESS: OnceLock<SocketAddr> = OnceLock::new();
    *ADDRESS.get_or_init(|| start().expect("a server on the loopback interface"))
}

fn start() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::Builder::new()
        .name("local-server".to_owned())
        .spawn(move || runtime.block_on(serve(listener)))?;
    Ok(address)
}

async fn serve(listener: TcpListener) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listener for tokio");
    loop {
        // An error on one connection, such as too many open files, does not affect the others.
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(1)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        tokio::spawn(async move {
            let service = service_fn(answer);
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

/// `/N/MS` is answered after `MS` milliseconds with a document about the number `N`, to which the
/// length of a body is added.
async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut parts = request.uri().path().split('/').skip(1);
    let mut number = || {
        parts
            .next()
            .and_then(|part| part.parse::<u64>().ok())
            .unwrap_or(0)
    };
    let (about, wait_ms) = (number(), number());
    let body = request.into_body().collect().await;
    let about = about + body.map_or(0, |body| body.to_bytes().len() as u64);
    tokio::time::sleep(Duration::from_millis(wait_ms.min(1_000))).await;
    Ok(Response::new(Full::new(Bytes::from(document(about)))))
}

/// A document of about 2 KiB.
fn document(about: u64) -> String {
    let items: Vec<serde_json::Value> = (0..40)
        .map(|item| serde_json::json!({"item": item, "value": about.wrapping_mul(item) % 1009}))
        .collect();
    serde_json::json!({"about": about, "items": items}).to_string()
}
