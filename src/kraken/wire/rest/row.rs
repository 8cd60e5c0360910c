//! Arrays whose places have meanings: `["37500.0","0.1",1616663618]`. Places that were added later are ignored.

/// Declares a struct that is read from an array, field by field.
macro_rules! row {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($(#[$fmeta:meta])* $field:ident : $kind:ty),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        $vis struct $name {
            $($(#[$fmeta])* pub $field: $kind,)+
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Places;
                impl<'de> serde::de::Visitor<'de> for Places {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("an array of ", stringify!($($field),+)))
                    }

                    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<$name, A::Error> {
                        let short = |place| serde::de::Error::custom(format!("no {place} in the row"));
                        $(let $field: $kind = seq.next_element()?.ok_or_else(|| short(stringify!($field)))?;)+
                        while seq.next_element::<serde::de::IgnoredAny>()?.is_some() {}
                        Ok($name { $($field),+ })
                    }
                }
                deserializer.deserialize_seq(Places)
            }
        }
    };
}

pub(crate) use row;

#[cfg(test)]
mod tests {
    use crate::kraken::wire::Number;

    row! {
        struct Level { price: Number, count: u64 }
    }

    #[test]
    fn more_places_are_ignored_and_fewer_are_refused() {
        let read = |json: &str| serde_json::from_str::<Level>(json).map(|l| (l.price.to_string(), l.count));
        assert_eq!(read(r#"["1.50",7]"#).expect("a row"), ("1.50".to_owned(), 7));
        assert_eq!(read(r#"[1.50,7,"more",[{}]]"#).expect("a row"), ("1.50".to_owned(), 7));
        for bad in ["[]", r#"["1.50"]"#, r#"["x",7]"#, r#"["1.50","7"]"#, "{}", "7"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
