//! Files of certificates that somebody gives.

use crate::preflight::Code;
use crate::texts::findings::Page;

pub(super) fn page(code: Code) -> Option<Page> {
    Some(match code {
        Code::CertificateFile => Page {
            title: "a file that is given for certificates cannot be used",
            why: "dockerd reads PEM, and passes over what it cannot read without a word",
            check: "openssl x509 -in FILE -noout -subject; head -1 FILE",
            fix: "convert DER: openssl x509 -inform der -in FILE -out FILE.pem; take a password \
                  off a key: openssl pkey -in FILE -out FILE.key; then landfall configure \
                  --registry-ca HOST=FILE.pem",
        },
        Code::CertificateNoAuthority => Page {
            title: "what is given as an authority's certificate is a server's",
            why: "it has signed nothing, so that no registry is trusted by it",
            check: "openssl x509 -in FILE -noout -subject -issuer -ext basicConstraints",
            fix: "ask for the certificate of its issuer; then landfall configure --registry-ca \
                  HOST=FILE",
        },
        Code::CertificateFileName => Page {
            title: "the certificate that is given is for another name",
            why: "dockerd would refuse the registry with it",
            check: "openssl x509 -in FILE -noout -subject -ext subjectAltName",
            fix: "make one with the registry's name: openssl req … -addext \
                  subjectAltName=DNS:HOST; or give the authority's: landfall configure \
                  --registry-ca HOST=FILE",
        },
        Code::CertificateFileTime => Page {
            title: "a certificate that is given is not valid now",
            why: "the registry would be refused with it",
            check: "date; openssl x509 -in FILE -noout -dates",
            fix: "get a new one: landfall configure --registry-ca HOST=FILE; if the clock is \
                  wrong: date --set 'YYYY-MM-DD HH:MM:SS'",
        },
        Code::CertificateKey => Page {
            title: "the key does not belong to the certificate",
            why: "dockerd cannot prove with it who it is",
            check: "openssl x509 -in CERT -noout -pubkey; openssl pkey -in KEY -pubout",
            fix: "find the key that the certificate was made with; in landfall.yaml: registries: \
                  {HOST: {cert: FILE, key: FILE}}; then landfall configure",
        },
        Code::CertificateFileChain => Page {
            title: "certificates that are given are no chain",
            why: "one of them is signed by nobody in the file; it is trusted all the same, and \
                  nothing else by it",
            check: "openssl crl2pkcs7 -nocrl -certfile FILE | openssl pkcs7 -print_certs -noout",
            fix: "nothing, if several authorities are meant; else put the missing one in: cat \
                  ISSUER.pem >>FILE, and landfall configure --registry-ca HOST=FILE",
        },
        Code::TrustStoreMissing => Page {
            title: "the system's trust store cannot be told of an authority",
            why: "the program that puts it together is missing; dockerd does not need it, since it \
                  has certs.d",
            check: "command -v update-ca-certificates update-ca-trust",
            fix: "apt-get install ca-certificates, or dnf install ca-certificates; or leave \
                  system-store out of landfall.yaml",
        },
        _ => return None,
    })
}
