//! Makes thumbnails of JPEG images: tasks that compute for a few milliseconds.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{ImageFormat, ImageReader, Rgb, RgbImage};

/// The number of images.
pub const TASKS: usize = 64;

/// Images of stripes and noise as JPEG files, of 320×240 to 640×480 pixels.
///
/// # Panics
///
/// If the encoder fails.
pub fn inputs(tasks: usize, seed: u64) -> Vec<Vec<u8>> {
    (0..tasks as u64)
        .map(|task| {
            let mut state = seed ^ (task + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let scale = 2 + (state >> 32) as u32 % 3;
            let image = RgbImage::from_fn(160 * scale, 120 * scale, |x, y| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                let noise = (state >> 60) as u8;
                Rgb([
                    (x / 4) as u8 ^ noise,
                    (y / 4) as u8,
                    (x + y) as u8 / 2 + noise,
                ])
            });
            let mut file = Vec::new();
            let encoder = JpegEncoder::new_with_quality(&mut file, 85);
            image.write_with_encoder(encoder).expect("an image as JPEG");
            file
        })
        .collect()
}

/// The thumbnail as a JPEG file.
///
/// # Errors
///
/// If the image cannot be read.
pub fn run(file: &Vec<u8>) -> Result<Vec<u8>, String> {
    let reader = ImageReader::with_format(Cursor::new(file), ImageFormat::Jpeg);
    let image = reader.decode().map_err(|error| error.to_string())?;
    let small = image.resize(96, 96, FilterType::Triangle).into_rgb8();
    let mut thumbnail = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut thumbnail, 80);
    small
        .write_with_encoder(encoder)
        .map_err(|error| error.to_string())?;
    Ok(thumbnail)
}
