//! One block: a fixed head and a zstd payload of records.
//!
//! Head, 40 bytes, little endian: `CSTB` · u32 length of the payload · u32 length of the records unpacked · u32 number of records · i64
//! earliest and i64 latest instant (µs since the Unix epoch) · u32 CRC-32 of the payload · u32 CRC-32 of the 36 bytes before.
//!
//! Record: varint of the zigzag distance to the instant before it in µs (the first: to the block's earliest) · varint connection ·
//! varint length · the frame. A varint has seven bits a byte, lowest first, the top bit set on all but the last.

use super::MAX_FRAME;

const MAGIC: [u8; 4] = *b"CSTB";
/// Length of a head.
pub(super) const HEAD: usize = 40;
/// Records of one block unpacked: what a writer gathers, one frame beyond it, and room.
pub(super) const MAX_RAW: usize = 4 * MAX_FRAME;
/// Three varints of a record at most.
const RECORD_OVERHEAD: usize = 10 + 5 + 5;
const LEVEL: i32 = 3;

/// What a head says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub packed: usize,
    pub raw: usize,
    pub records: u32,
    pub earliest: i64,
    pub latest: i64,
    payload_crc: u32,
}

impl Head {
    fn to_bytes(self) -> Option<[u8; HEAD]> {
        let mut out = Vec::with_capacity(HEAD);
        out.extend(MAGIC);
        out.extend(u32::try_from(self.packed).ok()?.to_le_bytes());
        out.extend(u32::try_from(self.raw).ok()?.to_le_bytes());
        out.extend(self.records.to_le_bytes());
        out.extend(self.earliest.to_le_bytes());
        out.extend(self.latest.to_le_bytes());
        out.extend(self.payload_crc.to_le_bytes());
        out.extend(crc32fast::hash(&out).to_le_bytes());
        out.try_into().ok()
    }

    /// `None` when the bytes are not a whole, undamaged head.
    pub(super) fn parse(bytes: &[u8; HEAD]) -> Option<Self> {
        let (said, crc) = bytes.split_last_chunk::<4>()?;
        let (magic, rest) = said.split_first_chunk::<4>()?;
        if *magic != MAGIC || crc32fast::hash(said) != u32::from_le_bytes(*crc) {
            return None;
        }
        let (packed, rest) = rest.split_first_chunk::<4>()?;
        let (raw, rest) = rest.split_first_chunk::<4>()?;
        let (records, rest) = rest.split_first_chunk::<4>()?;
        let (earliest, rest) = rest.split_first_chunk::<8>()?;
        let (latest, rest) = rest.split_first_chunk::<8>()?;
        let (payload_crc, _) = rest.split_first_chunk::<4>()?;
        let head = Self {
            packed: usize::try_from(u32::from_le_bytes(*packed)).ok()?,
            raw: usize::try_from(u32::from_le_bytes(*raw)).ok()?,
            records: u32::from_le_bytes(*records),
            earliest: i64::from_le_bytes(*earliest),
            latest: i64::from_le_bytes(*latest),
            payload_crc: u32::from_le_bytes(*payload_crc),
        };
        (head.raw <= MAX_RAW && head.earliest <= head.latest).then_some(head)
    }
}

/// Records that wait for their block.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    records: Vec<(i64, u32, usize)>,
    frames: Vec<u8>,
    span: Option<(i64, i64)>,
}

impl Gathering {
    pub(super) fn push(&mut self, at_us: i64, connection: u32, frame: &[u8]) {
        self.records.push((at_us, connection, frame.len()));
        self.frames.extend_from_slice(frame);
        self.span = Some(self.span.map_or((at_us, at_us), |(a, b)| (a.min(at_us), b.max(at_us))));
    }

    /// Frames and their overhead at most.
    pub(super) const fn raw_len(&self) -> usize {
        self.frames.len() + self.records.len() * RECORD_OVERHEAD
    }

    pub(super) const fn frame_bytes(&self) -> usize {
        self.frames.len()
    }

    /// Earliest and latest instant.
    pub(super) const fn span(&self) -> Option<(i64, i64)> {
        self.span
    }

    pub(super) fn clear(&mut self) {
        self.records.clear();
        self.frames.clear();
        self.span = None;
    }

    /// Head and payload, one after the other; `None` when there is nothing.
    ///
    /// # Errors
    /// When zstd fails, or a length is beyond its field.
    pub(super) fn pack(&self) -> std::io::Result<Option<(Head, Vec<u8>)>> {
        let Some((earliest, latest)) = self.span() else { return Ok(None) };
        let mut raw = Vec::with_capacity(self.raw_len());
        let (mut before, mut frames) = (earliest, self.frames.as_slice());
        for (at, connection, length) in &self.records {
            put_varint(&mut raw, zigzag(at.wrapping_sub(before)));
            put_varint(&mut raw, u64::from(*connection));
            put_varint(&mut raw, u64::try_from(*length).unwrap_or(u64::MAX));
            let (frame, rest) = frames.split_at_checked(*length).unwrap_or((frames, &[]));
            raw.extend_from_slice(frame);
            (before, frames) = (*at, rest);
        }
        let payload = zstd::bulk::compress(&raw, LEVEL)?;
        let head = Head {
            packed: payload.len(),
            raw: raw.len(),
            records: u32::try_from(self.records.len()).map_err(std::io::Error::other)?,
            earliest,
            latest,
            payload_crc: crc32fast::hash(&payload),
        };
        let mut block = head.to_bytes().ok_or_else(|| std::io::Error::other("a block is too long"))?.to_vec();
        block.extend_from_slice(&payload);
        Ok(Some((head, block)))
    }
}

/// The records of a payload, unpacked.
///
/// # Errors
/// What does not fit the head.
pub(super) fn unpack(head: &Head, payload: &[u8]) -> Result<Vec<u8>, String> {
    if crc32fast::hash(payload) != head.payload_crc {
        return Err("its checksum does not match".to_owned());
    }
    let raw = zstd::bulk::decompress(payload, head.raw).map_err(|e| format!("it cannot be unpacked ({e})"))?;
    if raw.len() == head.raw { Ok(raw) } else { Err("it unpacks to another length".to_owned()) }
}

/// Reads the record at the beginning of `raw`: instant, connection, frame, rest. `None` when it is not whole.
pub(super) fn record(before: i64, raw: &[u8]) -> Option<(i64, u32, &[u8], &[u8])> {
    let (distance, raw) = varint(raw)?;
    let (connection, raw) = varint(raw)?;
    let (length, raw) = varint(raw)?;
    let (frame, rest) = raw.split_at_checked(usize::try_from(length).ok()?)?;
    Some((before.wrapping_add(unzigzag(distance)), u32::try_from(connection).ok()?, frame, rest))
}

const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

const fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    for (place, byte) in bytes.iter().take(10).enumerate() {
        let part = u64::from(byte & 0x7f);
        let shift = u32::try_from(place).ok()? * 7;
        // The tenth byte has room for one bit.
        if shift == 63 && part > 1 {
            return None;
        }
        value |= part << shift;
        if byte & 0x80 == 0 {
            return bytes.get(place + 1..).map(|rest| (value, rest));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_and_zigzag_come_back() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            bytes.push(7);
            assert_eq!(varint(&bytes), Some((value, &[7][..])));
        }
        assert_eq!(varint(&[0x80; 10]), None);
        assert_eq!(varint(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]), None);
        assert_eq!(varint(&[]), None);
        for value in [0, 1, -1, i64::MAX, i64::MIN] {
            assert_eq!(unzigzag(zigzag(value)), value);
        }
        assert_eq!([0, -1, 1, -2].map(zigzag), [0, 1, 2, 3]);
    }

    #[test]
    fn a_head_is_refused_when_any_bit_differs() {
        let mut gathering = Gathering::default();
        gathering.push(5, 1, b"hello");
        let (head, block) = gathering.pack().unwrap().unwrap();
        let bytes: [u8; HEAD] = block[..HEAD].try_into().unwrap();
        assert_eq!(Head::parse(&bytes), Some(head));
        for bit in 0..HEAD * 8 {
            let mut bytes = bytes;
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Head::parse(&bytes), None, "bit {bit}");
        }
    }
}
