//! Configuration: typed settings, merged from layers, each value with its origin.
//!
//! Serves `main`, the command line and, by value, every room that takes a part of [`Settings`]. In go files, environment variables and
//! `--set`; out come [`Loaded`] settings or a [`ConfigError`] that lists every problem. Always true: a [`Settings`] value passed all range and
//! cross checks, an unknown key is an error, times are RFC 3339 text outside and UTC milliseconds inside, and secrets are never settings.

pub mod cross;
pub mod error;
mod features;
pub mod home;
pub mod kind;
pub mod layers;
pub mod render;
pub mod secrets;
pub mod settings;
pub mod table;

pub use error::{ConfigError, Origin, Problem};
pub use home::{Home, HomeError};
pub use layers::{Loaded, ShownSetting, environment, load};
pub use render::{render_default, schema};
pub use secrets::{SecretError, Secrets};
pub use settings::{
    AgentsSettings, Ascii, BookDepth, Colors, JournalSettings, KrakenSettings, LakeSettings, LanguageModelSettings,
    LogsSettings, ModelsSettings, NewsSettings, ReplaySettings, ServicesSettings, Settings, UiSettings, Zone,
};
pub use table::{SETTINGS, Setting};
