//! Bounded reads of regular files.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;

use super::kind::{refuse_special, require_regular};

/// Reads a regular file, following links.
///
/// A FIFO without a writer cannot block the read, and an endless device cannot fill the memory:
/// both are refused before a byte is read.
///
/// # Errors
///
/// `FileTooLarge` for more than `limit_bytes`, `IsADirectory` for a directory, `InvalidInput` for
/// any other type of file, and the errors of opening and reading.
pub fn read(path: &Path, limit_bytes: u64) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    let mut bytes = Vec::new();
    // One byte more than allowed detects a file that is too large, even if it grows or reports no
    // size.
    file.take(limit_bytes.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit_bytes {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it is larger than {}", megabytes(limit_bytes)),
        ));
    }
    Ok(bytes)
}

/// The same, as text.
///
/// # Errors
///
/// As [`read`], and `InvalidData` if the file is not UTF-8.
pub fn read_text(path: &Path, limit_bytes: u64) -> io::Result<String> {
    String::from_utf8(read(path, limit_bytes)?)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))
}

fn open(path: &Path) -> io::Result<File> {
    // Opening a device can have side effects, so the type is checked first. Opening without
    // blocking covers a file that is swapped in after the check.
    refuse_special(path)?;
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    require_regular(file.metadata()?.file_type())?;
    Ok(file)
}

fn megabytes(bytes: u64) -> String {
    match bytes >> 20 {
        0 => format!("{bytes} bytes"),
        megabytes => format!("{megabytes} MiB"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    #[test]
    fn reading_refuses_special_files() {
        let folder = tempfile::tempdir().unwrap();
        let (fifo, socket) = (folder.path().join("fifo"), folder.path().join("socket"));
        mknodat(CWD, &fifo, FileType::Fifo, Mode::RWXU, 0).unwrap();
        let _listener = UnixListener::bind(&socket).unwrap();
        let link = folder.path().join("link");
        symlink(&fifo, &link).unwrap();
        for (path, what) in [
            (fifo.as_path(), "a FIFO"),
            (&link, "a FIFO"),
            (&socket, "a socket"),
            (folder.path(), "a directory"),
            (Path::new("/dev/null"), "a device"),
        ] {
            let error = read(path, 1000).unwrap_err().to_string();
            assert_eq!(error, format!("it is {what}, not a regular file"));
        }
    }

    #[test]
    fn reading_stops_at_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        let error = read(&path, 4).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(error.to_string(), "it is larger than 4 bytes");
        // A sparse file of a terabyte uses no disk, and must not be read either.
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        let error = read(&path, 2 << 20).unwrap_err();
        assert_eq!(error.to_string(), "it is larger than 2 MiB");
    }

    #[test]
    fn text_must_be_utf8() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, b"a\xff").unwrap();
        assert_eq!(
            read_text(&path, 9).unwrap_err().to_string(),
            "it is not UTF-8 text"
        );
    }
}
