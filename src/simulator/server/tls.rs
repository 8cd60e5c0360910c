//! Certificates made at start: an authority, and a leaf for loopback that it signs.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;

/// A server's TLS settings and the authority to trust.
pub struct Certificates {
    pub ca_pem: String,
    pub server: Arc<ServerConfig>,
}

impl Certificates {
    /// New keys, known to nobody else.
    ///
    /// # Errors
    /// The maker's complaint.
    pub fn make() -> Result<Self, String> {
        let fail = |e: rcgen::Error| e.to_string();
        let mut ca = CertificateParams::new(Vec::<String>::new()).map_err(fail)?;
        ca.distinguished_name.push(DnType::CommonName, "CryptoSmartTrader stand-in authority");
        ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority = CertifiedIssuer::self_signed(ca, KeyPair::generate().map_err(fail)?).map_err(fail)?;

        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut leaf = CertificateParams::new(names).map_err(fail)?;
        leaf.distinguished_name.push(DnType::CommonName, "CryptoSmartTrader stand-in exchange");
        leaf.is_ca = IsCa::ExplicitNoCa;
        leaf.use_authority_key_identifier_extension = true;
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().map_err(fail)?;
        let certificate = leaf.signed_by(&key, &authority).map_err(fail)?;

        let chain = vec![certificate.der().clone(), authority.der().clone()];
        let private = PrivateKeyDer::try_from(key.serialize_der()).map_err(str::to_owned)?;
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let mut server = builder
            .with_safe_default_protocol_versions()
            .map_err(|e| e.to_string())?
            .with_no_client_auth()
            .with_single_cert(chain, private)
            .map_err(|e| e.to_string())?;
        server.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { ca_pem: authority.pem(), server: Arc::new(server) })
    }
}
