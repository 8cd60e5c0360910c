//! Invented pairs for load tests.

use super::{AssetInfo, Listing, PairInfo, PairStatus};

impl Listing {
    /// This listing and up to `n` (9,999) invented pairs `SIM0001/USD`, `SIM0002/USD` … with the numbers of listed ones in turn. For load runs only:
    /// each says that it is invented.
    #[must_use]
    pub fn clones(&self, n: usize) -> Self {
        let models: Vec<&PairInfo> = self
            .pairs
            .iter()
            .filter(|p| p.quote_v2 == "USD" && p.status == PairStatus::Online && !p.invented)
            .collect();
        let mut grown = self.clone();
        for (number, model) in (1..=n.min(9_999)).zip(models.iter().cycle()) {
            let base = format!("SIM{number:04}");
            let Some(asset) = self.find_asset(&model.base) else { continue };
            let asset = AssetInfo { id: base.clone(), altname: base.clone(), v2: base.clone(), ..asset.clone() };
            let pair = PairInfo {
                id: format!("{base}USD"),
                altname: format!("{base}USD"),
                wsname: format!("{base}/USD"),
                symbol: format!("{base}/USD").into(),
                base: base.clone(),
                base_v2: base,
                invented: true,
                ..(*model).clone()
            };
            grown.add(asset, pair);
        }
        grown
    }

    fn add(&mut self, asset: AssetInfo, pair: PairInfo) {
        let (a, p) = (self.assets.len(), self.pairs.len());
        self.asset_names.insert(asset.id.clone(), a);
        for name in [&pair.id, &pair.wsname] {
            self.pair_names.insert(name.clone(), p);
        }
        self.assets.push(asset);
        self.pairs.push(pair);
    }
}
