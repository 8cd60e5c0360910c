//! All books of a link, by symbol.

use super::index::SymbolIndex;
use super::order_book::{Book, Change, Precision};
use super::{BookFault, fast};
use crate::kraken::wire::Stamp;
use crate::kraken::wire::ws::{BookRows, Kind};

/// What became of a book frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BookOutcome {
    /// Which book: the place that [`Books::subscribe`] told.
    pub index: usize,
    /// Whether the best levels changed, or why the book is empty now.
    pub result: Result<bool, BookFault>,
    /// The exchange's instant of the frame.
    pub at: Option<Stamp>,
}

/// Books by symbol and by place. A place stays the same until its symbol is forgotten.
#[derive(Debug, Default)]
pub struct Books {
    places: Vec<Option<Place>>,
    index: SymbolIndex,
    /// Levels of the frame at hand; kept for its room.
    changes: Vec<Change>,
}

#[derive(Debug)]
struct Place {
    symbol: Box<str>,
    book: Book,
}

impl Books {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty book for a symbol (a known symbol's book starts anew), and its place.
    pub fn subscribe(&mut self, symbol: &str, depth: u32, precision: Precision) -> usize {
        let place = Some(Place { symbol: symbol.into(), book: Book::new(depth, precision) });
        let known = self.index.get(symbol.as_bytes()).copied();
        let free = || self.places.iter().position(Option::is_none);
        let at = known.or_else(free).unwrap_or(self.places.len());
        match self.places.get_mut(at) {
            Some(slot) => *slot = place,
            None => self.places.push(place),
        }
        self.index.insert(symbol.as_bytes().into(), at);
        at
    }

    /// Drops a symbol's book; its frames are no longer taken.
    pub fn forget(&mut self, symbol: &str) {
        if let Some(place) = self.index.remove(symbol.as_bytes()).and_then(|at| self.places.get_mut(at)) {
            *place = None;
        }
    }

    /// Empties a symbol's book; it waits for a snapshot.
    pub fn reset(&mut self, symbol: &str) {
        if let Some((_, book)) = self.find(symbol.as_bytes()) {
            book.reset();
        }
    }

    /// Empties every book, as after a lost connection.
    pub fn reset_all(&mut self) {
        self.places.iter_mut().flatten().for_each(|place| place.book.reset());
    }

    /// The book at a place.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&Book> {
        self.places.get(index)?.as_ref().map(|place| &place.book)
    }

    /// The symbol at a place.
    #[must_use]
    pub fn symbol(&self, index: usize) -> Option<&str> {
        self.places.get(index)?.as_ref().map(|place| &*place.symbol)
    }

    /// A symbol's place and book.
    #[must_use]
    pub fn by_symbol(&self, symbol: &[u8]) -> Option<(usize, &Book)> {
        let at = *self.index.get(symbol)?;
        self.get(at).map(|book| (at, book))
    }

    /// Takes a book frame in the exchange's own form without decoding it. `None` when it is anything else, or of a symbol without a book:
    /// nothing changed then, and the decoder and [`Self::on_rows`] have their turn.
    pub fn on_frame(&mut self, frame: &[u8]) -> Option<BookOutcome> {
        let (step, symbol, rest) = fast::head(frame)?;
        let index = *self.index.get(symbol)?;
        let book = &mut self.places.get_mut(index)?.as_mut()?.book;
        let read = fast::body(step, rest, book.precision(), &mut self.changes)?;
        let result = book.apply(read.step, &self.changes, read.checksum);
        Some(BookOutcome { index, result, at: read.at })
    }

    /// Takes one symbol's rows of a decoded book frame. `None` for a symbol without a book and for a kind of frame that is not known.
    pub fn on_rows(&mut self, kind: &Kind, rows: &BookRows) -> Option<BookOutcome> {
        let (index, book) = self.find(rows.symbol.as_bytes())?;
        let result = match kind {
            Kind::Snapshot => book.snapshot(rows),
            Kind::Update => book.update(rows),
            Kind::Unknown(_) => return None,
        };
        Some(BookOutcome { index, result, at: rows.timestamp })
    }

    fn find(&mut self, symbol: &[u8]) -> Option<(usize, &mut Book)> {
        let at = *self.index.get(symbol)?;
        self.places.get_mut(at)?.as_mut().map(|place| (at, &mut place.book))
    }
}
