//! The screen that a browser pretends to have, and pictures of it.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::browser::Browser;

/// The height of one picture. The compositor repeats what lies more than 16,384 pixels down.
const PICTURE_HEIGHT: u64 = 3000;

/// The colours that a reader's system asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    /// Its name in style sheets.
    pub fn name(self) -> &'static str {
        match self {
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }
}

/// A screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    /// In CSS pixels.
    pub width: u32,
    /// In CSS pixels.
    pub height: u32,
    /// The system's setting.
    pub theme: Theme,
}

impl Screen {
    /// Whether the screen is a phone's, where the page is as wide as it asks to be.
    fn is_mobile(self) -> bool {
        self.width < 600
    }
}

impl Browser {
    /// Shows pages on this screen from now on.
    ///
    /// # Errors
    /// The driver's.
    pub fn show_on(&self, screen: Screen) -> Result<(), String> {
        let metrics = json!({
            "width": screen.width,
            "height": screen.height,
            "deviceScaleFactor": 1,
            "mobile": screen.is_mobile(),
        });
        self.cdp("Emulation.setDeviceMetricsOverride", &metrics)?;
        self.media("", screen.theme)
    }

    /// Shows the page as on paper of this width in CSS pixels.
    ///
    /// # Errors
    /// The driver's.
    pub fn show_on_paper(&self, width: u32) -> Result<(), String> {
        let metrics =
            json!({"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": false});
        self.cdp("Emulation.setDeviceMetricsOverride", &metrics)?;
        self.media("print", Theme::Dark)
    }

    fn media(&self, media: &str, theme: Theme) -> Result<(), String> {
        let features = json!([{"name": "prefers-color-scheme", "value": theme.name()}]);
        let parameters = json!({"media": media, "features": features});
        self.cdp("Emulation.setEmulatedMedia", &parameters)
            .map(drop)
    }

    /// The page as a PDF.
    ///
    /// # Errors
    /// The driver's.
    pub fn print(&self) -> Result<Vec<u8>, String> {
        let answer = self.cdp("Page.printToPDF", &json!({}))?;
        decoded(&answer)
    }

    /// Writes pictures of the page from the top, at most `most` of them: `NAME-1.png` and so on.
    ///
    /// # Errors
    /// The driver's, and those of the file system.
    pub fn picture(&self, folder: &Path, name: &str, most: u64) -> Result<Vec<PathBuf>, String> {
        let size = self.script(
            "const page = document.documentElement; return [page.clientWidth, page.scrollHeight]",
            &[],
        )?;
        let (width, height) = (size[0].as_u64(), size[1].as_u64());
        let (Some(width), Some(height)) = (width, height) else {
            return Err(format!("the page has no size: {size}"));
        };
        let mut written = Vec::new();
        for number in 0..height.div_ceil(PICTURE_HEIGHT).min(most) {
            let top = number * PICTURE_HEIGHT;
            let clip = json!({
                "x": 0, "y": top, "width": width, "height": PICTURE_HEIGHT.min(height - top),
                "scale": 1,
            });
            let parameters = json!({
                "format": "png", "optimizeForSpeed": true, "captureBeyondViewport": true,
                "clip": clip,
            });
            let answer = self.cdp("Page.captureScreenshot", &parameters)?;
            let path = folder.join(format!("{name}-{}.png", number + 1));
            replace(&path, &decoded(&answer)?)?;
            written.push(path);
        }
        Ok(written)
    }
}

fn decoded(answer: &Value) -> Result<Vec<u8>, String> {
    let data = answer["data"].as_str().unwrap_or_default();
    STANDARD
        .decode(data)
        .map_err(|error| format!("the browser sent no base64: {error}"))
}

/// Writes a file beside its place and renames it, since another run may write the same.
fn replace(path: &Path, content: &[u8]) -> Result<(), String> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
    let file = tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o644))
        .tempfile_in(folder)
        .map_err(|error| failed(&error))?;
    std::fs::write(file.path(), content).map_err(|error| failed(&error))?;
    file.persist(path).map(drop).map_err(|error| failed(&error))
}
