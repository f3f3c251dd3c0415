//! Names, connections, certificates, tokens and images.

use crate::preflight::Code;
use crate::texts::findings::Page;

pub(super) fn names(code: Code) -> Option<Page> {
    Some(match code {
        Code::NameUnknown => Page {
            title: "the registry's name has no address",
            why: "neither /etc/hosts nor the name servers know it, so that nothing can be pulled",
            check: "getent hosts NAME; cat /etc/resolv.conf",
            fix: "ask for a record of the name, or on this host: echo 'ADDRESS NAME' >>/etc/hosts",
        },
        Code::NameServersSilent => Page {
            title: "no name server answers",
            why: "names that /etc/hosts does not have cannot be looked up; landfall asks nobody \
                  whom this host does not name",
            check: "cat /etc/resolv.conf; systemctl status systemd-resolved (if it names 127.0.0.53)",
            fix: "name one that answers in /etc/resolv.conf, or: systemctl restart \
                  systemd-resolved; or on this host: echo 'ADDRESS NAME' >>/etc/hosts",
        },
        Code::NameInHosts => Page {
            title: "the registry's name stands in /etc/hosts alone",
            why: "dockerd knows it; containers do not, and neither do builds that pull in one",
            check: "grep NAME /etc/hosts",
            fix: "nothing, if only the host itself pulls; for a container: docker run --add-host \
                  NAME:ADDRESS; for all: a record on the name server",
        },
        Code::RegistryRefuses => Page {
            title: "nothing listens where the registry should be",
            why: "the host is there, and refuses the connection: the registry is down, or has \
                  another port",
            check: "curl -v https://HOST:PORT/v2/; on the registry's host: ss -ltn",
            fix: "start the registry there (docker ps; systemctl status docker-registry), or use \
                  the right port: landfall registry check HOST:PORT",
        },
        Code::RegistrySilent => Page {
            title: "the registry's address cannot be reached",
            why: "packets get lost on the way, or a firewall drops them",
            check: "ip route get ADDRESS; curl -v --max-time 10 https://HOST:PORT/v2/",
            fix: "let the firewall between pass the port (on the registry's host: firewall-cmd \
                  --add-port=443/tcp, iptables -I INPUT -p tcp --dport 443 -j ACCEPT), or mend the \
                  address in /etc/hosts: landfall registry check HOST shows it",
        },
        Code::RegistryProxy => Page {
            title: "the proxy does not let the registry be reached",
            why: "dockerd goes through the proxy that it is told of, also to registries within the \
                  same network",
            check: "systemctl show --property=Environment docker; grep -A4 proxies \
                    /etc/docker/daemon.json",
            fix: "if the registry is reached directly: landfall configure --no-proxy \
                  HOST,.internal,10.0.0.0/8; else mend the proxy's address: landfall configure \
                  --http-proxy URL --https-proxy URL",
        },
        Code::RegistryPlain => Page {
            title: "the registry speaks plain HTTP",
            why: "dockerd speaks TLS to all that are not listed as insecure (“server gave HTTP \
                  response to HTTPS client”)",
            check: "curl -v http://HOST:PORT/v2/",
            fix: "better: give it a certificate. Else: landfall configure --add \
                  insecure-registries=HOST:PORT (what is sent can be read and changed on the way)",
        },
        Code::RegistryNotPlain => Page {
            title: "the registry speaks TLS, and plain HTTP was meant",
            why: "the mirror's URL begins with http://, or no TLS could be spoken with it",
            check: "curl -v https://HOST:PORT/v2/",
            fix: "landfall configure --remove registry-mirrors=http://HOST --add \
                  registry-mirrors=https://HOST",
        },
        _ => return None,
    })
}

pub(super) fn certificates(code: Code) -> Option<Page> {
    Some(match code {
        Code::AuthorityUnknown => Page {
            title: "nobody whom this host trusts has signed the registry's certificate",
            why: "dockerd refuses it (“x509: certificate signed by unknown authority”)",
            check: "openssl s_client -showcerts -connect HOST:443 </dev/null; ls \
                    /etc/docker/certs.d/HOST",
            fix: "landfall configure --registry-ca HOST=FILE.pem, with the authority's \
                  certificate; the name of the directory is the registry's as images have it, \
                  with the port",
        },
        Code::RegistryExpired => Page {
            title: "the registry's certificate has expired",
            why: "dockerd refuses it, and so does every other client",
            check: "date; openssl s_client -connect HOST:443 </dev/null | openssl x509 -noout -dates",
            fix: "who runs the registry has to renew it there; if the clock here is wrong: date \
                  --set 'YYYY-MM-DD HH:MM:SS'",
        },
        Code::RegistryEarly => Page {
            title: "the registry's certificate is not valid yet",
            why: "either this host's clock is behind, or the certificate is for later",
            check: "date; openssl s_client -connect HOST:443 </dev/null | openssl x509 -noout -dates",
            fix: "date --set 'YYYY-MM-DD HH:MM:SS', if the clock is wrong",
        },
        Code::RegistryOtherName => Page {
            title: "the registry's certificate is for another name",
            why: "dockerd compares the name in the image's name with those in the certificate",
            check: "openssl s_client -connect HOST:443 </dev/null | openssl x509 -noout -ext \
                    subjectAltName",
            fix: "use a name that it is for: landfall registry check OTHER; or ask for a \
                  certificate that has this one as a subject alternative name",
        },
        Code::RegistryCommonName => Page {
            title: "the registry's certificate has its name in the subject alone",
            why: "dockerd, being written in Go, looks at subject alternative names only \
                  (“certificate relies on legacy Common Name field”)",
            check: "openssl s_client -connect HOST:443 </dev/null | openssl x509 -noout -subject \
                    -ext subjectAltName",
            fix: "make a new certificate with the name in it: openssl req … -addext \
                  subjectAltName=DNS:HOST; no setting here helps: landfall registry check HOST \
                  tells when it is done",
        },
        Code::ChainIncomplete => Page {
            title: "the registry does not send the certificates above its own",
            why: "dockerd does not fetch them: what lies between has to come from the server",
            check: "openssl s_client -showcerts -connect HOST:443 </dev/null shows what it sends",
            fix: "on the registry append the intermediate certificates to its own: cat \
                  intermediate.pem >>server.crt, and restart it; or here: landfall configure \
                  --registry-ca HOST=FILE, with the intermediate in FILE",
        },
        Code::RegistryTls => Page {
            title: "TLS with the registry fails",
            why: "no version or cipher in common, or something between takes part",
            check: "openssl s_client -connect HOST:443 </dev/null",
            fix: "let the server speak TLS 1.2 or later with usual ciphers; landfall registry \
                  check HOST tells when it is mended",
        },
        Code::ClientCertificateWanted => Page {
            title: "the registry wants a certificate of its clients",
            why: "dockerd shows the one in the registry's directory of certs.d, and there is none, \
                  or not the right one",
            check: "ls -l /etc/docker/certs.d/HOST; openssl s_client -connect HOST:443 </dev/null \
                    shows acceptable authorities",
            fix: "get one with its key, and in landfall.yaml: registries: {HOST: {cert: FILE, key: \
                  FILE}}; then landfall configure --config landfall.yaml",
        },
        _ => return None,
    })
}

pub(super) fn tokens(code: Code) -> Option<Page> {
    Some(match code {
        Code::NoRegistry => Page {
            title: "what answers is no registry",
            why: "a registry answers /v2/ with 200, or with 401 and how to prove who asks",
            check: "curl -i https://HOST/v2/",
            fix: "use the registry's own name and port (a reverse proxy has to pass /v2/ on): \
                  landfall registry check HOST:PORT",
        },
        Code::RegistryFails => Page {
            title: "the registry fails",
            why: "it is reached, and cannot answer as it should",
            check: "curl -i https://HOST/v2/; its own log",
            fix: "look at the registry's log where it runs (docker logs registry; journalctl -u \
                  docker-registry); then landfall registry check HOST",
        },
        Code::RealmUnknown => Page {
            title: "the registry sends clients for a token to a name that has no address",
            why: "every pull begins there; Harbor makes the address of its external_url, and \
                  others of auth.token.realm",
            check: "curl -i https://HOST/v2/ | grep -i www-authenticate",
            fix: "on Harbor set external_url (or hostname) in harbor.yml to a name that clients \
                  know, and run ./prepare; or here: echo 'ADDRESS NAME' >>/etc/hosts",
        },
        Code::RealmUnreachable => Page {
            title: "where tokens are to be had cannot be reached",
            why: "every pull begins there",
            check: "curl -i https://HOST/v2/ | grep -i www-authenticate; curl -v REALM",
            fix: "mend the address (external_url in harbor.yml, auth.token.realm), or open the way \
                  to it; landfall registry check HOST tells when it is done",
        },
        Code::RealmCertificate => Page {
            title: "the certificate where tokens are to be had is refused",
            why: "dockerd verifies it with the files of the registry itself, also where it is \
                  another host",
            check: "curl -i https://HOST/v2/ | grep -i www-authenticate; openssl s_client \
                    -connect REALM:443 </dev/null",
            fix: "landfall configure --registry-ca HOST=FILE.pem, with both authorities in FILE; \
                  or mend the certificate there",
        },
        Code::RealmAnswer => Page {
            title: "where tokens are to be had, there is none",
            why: "no pull is possible without",
            check: "curl -i https://HOST/v2/ | grep -i www-authenticate; curl -i REALM?service=…",
            fix: "look at its log where it runs (Harbor: docker logs harbor-core); then landfall \
                  registry check HOST",
        },
        Code::LoginRefused => Page {
            title: "the registry refuses name and password",
            why: "they are wrong, or have expired; robot accounts do",
            check: "docker login HOST",
            fix: "landfall login HOST --username NAME",
        },
        Code::LoginMissing => Page {
            title: "the registry wants name and password",
            why: "it gives nothing to strangers, and none are kept for it",
            check: "grep HOST ~/.docker/config.json",
            fix: "landfall login HOST --username NAME",
        },
        _ => return None,
    })
}

pub(super) fn images(code: Code) -> Option<Page> {
    Some(match code {
        Code::ImageUnknown => Page {
            title: "the registry does not have the image",
            why: "name or tag are wrong, it was not pushed yet, or it is hidden from this user",
            check: "curl https://HOST/v2/_catalog; curl https://HOST/v2/NAME/tags/list",
            fix: "docker push HOST/NAME:TAG from where it is; or landfall login HOST, if it is \
                  hidden",
        },
        Code::ImageDenied => Page {
            title: "the registry does not give the image",
            why: "this user may log in, and not read this repository",
            check: "docker pull HOST/NAME:TAG",
            fix: "let who runs the registry give the user the right to read it (Harbor: member of \
                  the project, role Guest); or landfall login HOST as somebody else",
        },
        Code::ManifestDamaged => Page {
            title: "a manifest is not what its digest says",
            why: "something on the way or in the registry's storage has changed it",
            check: "curl -H 'Accept: application/vnd.oci.image.index.v1+json' \
                    https://HOST/v2/NAME/manifests/TAG | sha256sum",
            fix: "push it again: docker push HOST/NAME:TAG; if it stays so, a proxy between \
                  changes it: landfall configure --no-proxy HOST",
        },
        Code::MirrorPath => Page {
            title: "a mirror cannot have a path",
            why: "dockerd asks mirrors at the root of their host alone, and does not start with \
                  such a URL",
            check: "grep -A3 registry-mirrors /etc/docker/daemon.json",
            fix: "landfall configure --remove registry-mirrors=URL; name images with the path: \
                  docker pull HOST/PATH/library/alpine; or run a registry whose root is the mirror",
        },
        Code::MirrorHarbor => Page {
            title: "Harbor cannot be a mirror of Docker Hub",
            why: "its proxy caches are projects, beneath a path, and dockerd asks at the root of \
                  the host alone: there it finds only what was pushed to the project “library”",
            check: "curl -i https://HOST/v2/ | grep -i www-authenticate",
            fix: "landfall configure --remove registry-mirrors=URL; name images through the \
                  project: docker pull HOST/PROJECT/library/alpine; as a mirror use a registry of \
                  its own (distribution with proxy.remoteurl)",
        },
        Code::MirrorLogin => Page {
            title: "the mirror wants a login",
            why: "dockerd has no credentials for mirrors: those of docker login are for the \
                  registry that an image names",
            check: "curl -i https://HOST/v2/",
            fix: "let everybody read the mirror, within your network; or take it out: landfall \
                  configure --remove registry-mirrors=URL, and name images by its host",
        },
        _ => return None,
    })
}
