//! [`Connection`]: the address of a server, and the credentials for it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use async_nats::{ConnectErrorKind, ConnectOptions, ServerAddr};

use crate::error::BuildError;

const TIMEOUT: Duration = Duration::from_secs(5);

/// The address of a NATS server, and the credentials for it.
///
/// A URL is enough in most cases: `nats://host:4222`, `tls://host`, `nats://user:password@host`,
/// `nats://token@host`. Several servers of one cluster are separated by commas. Credentials appear
/// in no error, no log and no `Debug`.
///
/// ```
/// use effective_cluster::Connection;
///
/// let connection = Connection::new("tls://jobs.example.com")
///     .nkey(std::env::var("NKEY_SEED").unwrap_or_default())
///     .tls_roots("/etc/ssl/jobs-ca.pem")
///     .namespace("render");
/// # let text = format!("{:?}", Connection::new("nats://me:secret@host").token("hidden"));
/// # assert!(!text.contains("secret") && !text.contains("hidden"), "{text}");
/// ```
#[derive(Clone)]
#[must_use = "`Cluster::connect` or `Worker::server` uses it"]
pub struct Connection {
    urls: String,
    auth: Option<Auth>,
    requires_tls: bool,
    tls_roots: Option<PathBuf>,
    tls_client: Option<(PathBuf, PathBuf)>,
    namespace: String,
    timeout: Duration,
}

#[derive(Clone)]
enum Auth {
    Token(String),
    User(String, String),
    Nkey(String),
    Credentials(PathBuf),
}

impl Connection {
    /// A connection to this server.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            urls: url.into(),
            auth: None,
            requires_tls: false,
            tls_roots: None,
            tls_client: None,
            namespace: "default".to_owned(),
            timeout: TIMEOUT,
        }
    }

    /// Authenticates with a token.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.auth = Some(Auth::Token(token.into()));
        self
    }

    /// Authenticates with a user and a password.
    pub fn user(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.auth = Some(Auth::User(user.into(), password.into()));
        self
    }

    /// Authenticates with an NKey: the seed, which stays here and signs what the server asks.
    pub fn nkey(mut self, seed: impl Into<String>) -> Self {
        self.auth = Some(Auth::Nkey(seed.into()));
        self
    }

    /// Authenticates with a file of credentials (a JWT and a seed).
    pub fn credentials(mut self, file: impl Into<PathBuf>) -> Self {
        self.auth = Some(Auth::Credentials(file.into()));
        self
    }

    /// Refuses a server without TLS. The scheme `tls` does so as well: for one server of a list, it
    /// holds for all, and for those that they announce.
    pub fn require_tls(mut self) -> Self {
        self.requires_tls = true;
        self
    }

    /// Trusts the certificates in this PEM file, besides those of the system.
    pub fn tls_roots(mut self, file: impl Into<PathBuf>) -> Self {
        self.tls_roots = Some(file.into());
        self
    }

    /// Presents a certificate to the server: PEM files of the certificate and of its key.
    pub fn tls_client(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.tls_client = Some((certificate.into(), key.into()));
        self
    }

    /// Separates the jobs of one application from those of others on the same server: letters,
    /// digits, `-` and `_`. By default `default`.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// How long to wait for the server at the start. By default 5 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    pub(super) fn checked_namespace(&self) -> Result<&str, BuildError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if (1..=64).contains(&self.namespace.len()) && self.namespace.bytes().all(is_plain) {
            Ok(&self.namespace)
        } else {
            Err(BuildError::Setting(format!(
                "the namespace {:?} is not 1 to 64 letters, digits, `-` and `_`",
                self.namespace
            )))
        }
    }

    fn servers(&self) -> Result<Vec<ServerAddr>, BuildError> {
        let addresses = self.urls.split(',').map(|url| url.trim().parse());
        addresses.collect::<Result<_, _>>().map_err(|_| malformed())
    }

    /// The servers without the credentials, which are among the options: the client logs these
    /// addresses.
    pub(super) fn addresses(&self) -> Result<Vec<ServerAddr>, BuildError> {
        let servers = self.servers()?.into_iter().map(|server| {
            let mut url = server.into_inner();
            // They fail only for a URL without a host, which is refused here.
            url.set_username("").ok()?;
            url.set_password(None).ok()?;
            ServerAddr::from_url(url).ok()
        });
        servers.collect::<Option<_>>().ok_or_else(malformed)
    }

    /// The credentials in the URL: a user and a password, or a token alone.
    fn url_auth(&self) -> Option<Auth> {
        let servers = self.servers().ok()?;
        let server = servers.iter().find(|server| server.has_user_pass())?;
        let user = percent_decoded(server.username()?);
        Some(match server.password() {
            Some(password) => Auth::User(user, percent_decoded(password)),
            None => Auth::Token(user),
        })
    }

    /// Hosts and ports, for messages.
    pub(super) fn hosts(&self) -> String {
        let Ok(servers) = self.servers() else {
            return "(malformed)".to_owned();
        };
        let hosts = servers
            .iter()
            .map(|server| format!("{}:{}", server.host(), server.port()));
        hosts.collect::<Vec<_>>().join(", ")
    }

    pub(super) async fn options(&self) -> Result<ConnectOptions, BuildError> {
        let names_tls = self.servers()?.iter().any(ServerAddr::tls_required);
        let mut options = ConnectOptions::new()
            .connection_timeout(self.timeout)
            // Forever: an outage of the server is no reason to lose accepted jobs.
            .max_reconnects(None)
            .reconnect_delay_callback(|attempt| {
                Duration::from_millis(50 << attempt.min(5)).min(Duration::from_secs(1))
            })
            .require_tls(self.requires_tls || names_tls);
        options = match &self.auth.clone().or_else(|| self.url_auth()) {
            None => options,
            Some(Auth::Token(token)) => options.token(token.clone()),
            Some(Auth::User(user, password)) => {
                options.user_and_password(user.clone(), password.clone())
            }
            Some(Auth::Nkey(seed)) => options.nkey(seed.clone()),
            Some(Auth::Credentials(file)) => {
                options.credentials_file(file).await.map_err(|error| {
                    BuildError::Setting(format!(
                        "the credentials in {} cannot be used: {}",
                        file.display(),
                        error.kind()
                    ))
                })?
            }
        };
        if let Some(file) = &self.tls_roots {
            options = options.add_root_certificates(file.clone());
        }
        if let Some((certificate, key)) = &self.tls_client {
            options = options.add_client_certificate(certificate.clone(), key.clone());
        }
        Ok(options)
    }

    /// Explains a failed attempt, without what the URL may hold.
    pub(super) fn refused(&self, kind: ConnectErrorKind) -> BuildError {
        let why = match kind {
            ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
                "it refuses the credentials"
            }
            ConnectErrorKind::TimedOut => "it did not answer in time",
            ConnectErrorKind::Tls => {
                "no TLS connection could be made: compare certificates, host name and the scheme"
            }
            ConnectErrorKind::Dns => "its name cannot be resolved",
            _ => "no connection could be made: is it running, and the port right?",
        };
        BuildError::Connect(format!("the NATS server {}: {why}", self.hosts()))
    }
}

/// The error of a URL that cannot be read. It does not repeat the URL, which may hold a password.
fn malformed() -> BuildError {
    let why = "the URL of the server is malformed: write nats://host:port or tls://host:port";
    BuildError::Setting(why.to_owned())
}

/// The text that a part of a URL stands for.
fn percent_decoded(part: &str) -> String {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = |at: usize| char::from(*tail.get(at)?).to_digit(16);
        match (first, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl<T: Into<String>> From<T> for Connection {
    fn from(url: T) -> Self {
        Self::new(url)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("hosts", &self.hosts())
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_characters_of_a_url_are_decoded() {
        assert_eq!(percent_decoded("p%40ss%3a100%25"), "p@ss:100%");
        assert_eq!(percent_decoded("a%4"), "a%4");
    }

    #[test]
    fn addresses_hold_no_credentials() {
        let connection = Connection::new("nats://anna:s3cr3t@host, tls://t0ken@[::1]:5");
        let addresses = connection.addresses().expect("they are sound");
        let text = format!("{addresses:?}");
        for part in ["anna", "s3cr3t", "t0ken"] {
            assert!(!text.contains(part), "{text}");
        }
        assert_eq!((addresses[0].host(), addresses[1].port()), ("host", 5));
    }
}
