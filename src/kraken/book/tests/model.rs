//! Any sequence of frames against the simplest book that follows the rules.

use proptest::prelude::*;

use super::{Book, BookSide, Model, Precision, as_rows, give, told};

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_book_equals_the_model(frames in told(), depth in 1_u32..13, price in 0_u32..4, qty in 0_u32..9) {
        let precision = Precision { price, qty };
        let mut book = Book::new(depth, precision);
        let mut model = Model::default();
        for told in frames {
            let (checksum, meant) = model.apply(&told, depth as usize, precision);
            prop_assert_eq!(give(&mut book, told.snapshot, &as_rows(&told, checksum, precision)), meant);
            for side in [BookSide::Bids, BookSide::Asks] {
                prop_assert_eq!(book.ticks(side), model.levels(side));
                prop_assert!(book.len(side) <= depth as usize);
            }
            prop_assert_eq!(book.checksum(), model.crc(precision));
        }
    }
}
