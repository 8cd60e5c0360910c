mod books;
mod candles;
mod chaos;
mod connections;
mod model;
mod rig;
mod start;
mod trades;
