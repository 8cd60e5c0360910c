//! How the console looks and what it may do, as the caller resolved it.

use std::str::FromStr;

/// Which colours mean up and down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColorScheme {
    /// Green up, red down.
    #[default]
    Western,
    /// Red up, green down.
    Eastern,
    /// Blue up, orange down: for every common colour vision.
    Cvd,
    /// No colour at all.
    Mono,
}

impl FromStr for ColorScheme {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "western" => Ok(Self::Western),
            "eastern" => Ok(Self::Eastern),
            "cvd" => Ok(Self::Cvd),
            "mono" => Ok(Self::Mono),
            _ => Err(format!("'{text}' is not a colour scheme; choose western, eastern, cvd or mono")),
        }
    }
}

/// How many colours the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColorDepth {
    TrueColor,
    Ansi256,
    Ansi16,
    None,
}

impl ColorDepth {
    /// From the environment: a non-empty `NO_COLOR` wins, then `COLORTERM`, then `TERM`.
    #[must_use]
    pub fn detect(env: impl Fn(&str) -> Option<String>) -> Self {
        let term = env("TERM").unwrap_or_default();
        if env("NO_COLOR").is_some_and(|v| !v.is_empty()) || term == "dumb" {
            return Self::None;
        }
        let colorterm = env("COLORTERM").unwrap_or_default();
        if matches!(colorterm.as_str(), "truecolor" | "24bit") || term.ends_with("-direct") {
            Self::TrueColor
        } else if term.contains("256color") {
            Self::Ansi256
        } else {
            Self::Ansi16
        }
    }
}

/// Whether the locale lacks UTF-8, so that plain glyphs must be used: the first set of `LC_ALL`, `LC_CTYPE` and `LANG` decides.
#[must_use]
pub fn locale_is_ascii(env: impl Fn(&str) -> Option<String>) -> bool {
    if cfg!(windows) {
        return false;
    }
    let set = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| env(name).filter(|v| !v.is_empty()));
    let locale = set.unwrap_or_default().to_ascii_lowercase();
    !(locale.contains("utf-8") || locale.contains("utf8"))
}

/// Settings of one console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UiOptions {
    pub colors: ColorScheme,
    pub color_depth: ColorDepth,
    /// Plain glyphs; `None` asks the locale.
    pub ascii: Option<bool>,
    pub mouse: bool,
    /// No flashing of changed prices.
    pub reduced_motion: bool,
    /// Upper bound of frames per second, at least 1.
    pub fps: u32,
    /// Show local time instead of UTC.
    pub local_zone: bool,
    /// Refuse every command here.
    pub read_only: bool,
}

impl UiOptions {
    /// Defaults for this environment: over a remote link fewer frames and no flashing.
    #[must_use]
    pub fn detect(env: impl Fn(&str) -> Option<String>) -> Self {
        let remote = env("SSH_CONNECTION").is_some_and(|v| !v.is_empty());
        Self {
            colors: ColorScheme::default(),
            color_depth: ColorDepth::detect(&env),
            ascii: Some(locale_is_ascii(&env)),
            mouse: true,
            reduced_motion: remote,
            fps: if remote { 8 } else { 20 },
            local_zone: false,
            read_only: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        move |name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned())
    }

    #[test]
    fn colour_depth_follows_the_environment() {
        for (given, meant) in [
            (&[("NO_COLOR", "1"), ("COLORTERM", "truecolor")][..], ColorDepth::None),
            (&[("NO_COLOR", ""), ("COLORTERM", "truecolor")][..], ColorDepth::TrueColor),
            (&[("COLORTERM", "24bit")][..], ColorDepth::TrueColor),
            (&[("TERM", "xterm-256color")][..], ColorDepth::Ansi256),
            (&[("TERM", "xterm-direct")][..], ColorDepth::TrueColor),
            (&[("TERM", "linux")][..], ColorDepth::Ansi16),
            (&[("TERM", "dumb")][..], ColorDepth::None),
            (&[][..], ColorDepth::Ansi16),
        ] {
            assert_eq!(ColorDepth::detect(env(given)), meant, "{given:?}");
        }
    }

    #[cfg(not(windows))]
    #[test]
    fn the_first_set_locale_variable_decides() {
        assert!(!locale_is_ascii(env(&[("LANG", "en_GB.UTF-8")])));
        assert!(locale_is_ascii(env(&[("LC_ALL", "C"), ("LANG", "en_GB.UTF-8")])));
        assert!(!locale_is_ascii(env(&[("LC_ALL", ""), ("LC_CTYPE", "C.utf8")])));
        assert!(locale_is_ascii(env(&[])));
    }

    #[test]
    fn a_remote_link_is_spared() {
        let options = UiOptions::detect(env(&[("SSH_CONNECTION", "a b c d")]));
        assert_eq!((options.fps, options.reduced_motion), (8, true));
        assert_eq!("CVD".parse(), Ok(ColorScheme::Cvd));
        assert!("rainbow".parse::<ColorScheme>().is_err());
    }
}
