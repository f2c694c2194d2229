//! The shades of the heat map: one hue, from the fastest to the slowest.

/// A background with the text on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shade {
    /// Behind the text.
    pub paper: &'static str,
    /// Contrast of at least 4.5 with the paper.
    pub ink: &'static str,
}

const fn shade(paper: &'static str, ink: &'static str) -> Shade {
    Shade { paper, ink }
}

/// The number of shades.
pub const STEPS: usize = 7;

/// The upper bound of the factor of each shade but the last.
pub const BOUNDS: [f64; STEPS - 1] = [1.05, 1.2, 1.5, 2.0, 4.0, 10.0];

/// On a light page: the fastest is the darkest, so that it is seen first.
pub const LIGHT: [Shade; STEPS] = [
    shade("#0b5563", "#ffffff"),
    shade("#23707f", "#ffffff"),
    shade("#66a9b5", "#04191e"),
    shade("#96c5cd", "#04191e"),
    shade("#bfdde2", "#0f2b31"),
    shade("#dcecef", "#1d3a40"),
    shade("#eff6f7", "#3d5257"),
];

/// On a dark page: the fastest is the brightest.
pub const DARK: [Shade; STEPS] = [
    shade("#86d7e6", "#03161b"),
    shade("#5cb5c6", "#03161b"),
    shade("#2d7888", "#ffffff"),
    shade("#235e6b", "#eef8fa"),
    shade("#1c4a55", "#dcebee"),
    shade("#183a43", "#c9dade"),
    shade("#152d34", "#b3c6cb"),
];

/// The shade of this factor; the last one for what is not a number.
pub fn step(factor: f64) -> usize {
    let found = BOUNDS.iter().position(|bound| factor <= *bound);
    found.unwrap_or(STEPS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance, as the Web Content Accessibility Guidelines 2 define it.
    fn luminance(colour: &str) -> f64 {
        let channel = |at: usize| {
            let byte = u8::from_str_radix(&colour[at..at + 2], 16).expect("a hex digit");
            let part = f64::from(byte) / 255.0;
            match part <= 0.040_45 {
                true => part / 12.92,
                false => ((part + 0.055) / 1.055).powf(2.4),
            }
        };
        0.212_6 * channel(1) + 0.715_2 * channel(3) + 0.072_2 * channel(5)
    }

    #[test]
    fn text_on_every_shade_is_readable() {
        for Shade { paper, ink } in LIGHT.iter().chain(&DARK) {
            let (one, other) = (luminance(paper), luminance(ink));
            let contrast = (one.max(other) + 0.05) / (one.min(other) + 0.05);
            assert!(contrast >= 4.5, "{ink} on {paper}: {contrast:.2}");
        }
    }

    #[test]
    fn shades_run_from_strong_to_faint() {
        let all = |shades: &[Shade; STEPS]| shades.map(|shade| luminance(shade.paper));
        assert!(all(&LIGHT).windows(2).all(|pair| pair[0] < pair[1]));
        assert!(all(&DARK).windows(2).all(|pair| pair[0] > pair[1]));
    }

    #[test]
    fn slower_factors_get_later_shades() {
        let steps = [0.9, 1.0, 1.1, 1.3, 1.9, 3.0, 9.0, 1e300, f64::NAN].map(step);
        assert_eq!(steps, [0, 0, 1, 2, 3, 4, 5, 6, 6]);
    }
}
