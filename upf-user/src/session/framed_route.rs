//! Framed routes: networks behind a UE, in the syntax of RADIUS.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Where IPv4 addresses stand among IPv6 ones.
const MAPPED: Ipv6Net = Ipv6Net::new_assert(Ipv4Addr::UNSPECIFIED.to_ipv6_mapped(), 96);

/// Framed-Route (RFC 2865 clause 5.22): `PREFIX[/LENGTH] GATEWAY METRIC...`. The gateway and the metrics are for
/// routers that the prefix is told to; here it leads to the UE. Without a length the prefix has that of its class.
pub(super) fn v4(text: &str) -> Option<IpNet> {
    let (prefix, rest) = first_word(text)?;
    let net = match prefix.split_once('/') {
        Some((address, length)) => Ipv4Net::new(address.parse().ok()?, decimal(length)?).ok()?,
        None => {
            let address: Ipv4Addr = prefix.parse().ok()?;
            Ipv4Net::new(address, class_length(address)?).ok()?
        }
    };
    let net = IpNet::V4(net.trunc());
    are_gateway_and_metrics(rest, IpAddr::is_ipv4).then_some(net)
}

/// Framed-IPv6-Route (RFC 3162 clause 2.5): the same with IPv6 addresses, and always with a length.
pub(super) fn v6(text: &str) -> Option<IpNet> {
    let (prefix, rest) = first_word(text)?;
    let (address, length) = prefix.split_once('/')?;
    let net = Ipv6Net::new(address.parse().ok()?, decimal(length)?).ok()?;
    let net = IpNet::V6(net.trunc());
    are_gateway_and_metrics(rest, IpAddr::is_ipv6).then_some(net)
}

/// Whether a route takes in every address of a family, or any of those that IPv4 addresses stand at in the tables
/// (RFC 4291 clause 2.5.5.2): an IPv6 route there would lead other UEs' IPv4 packets away.
pub(super) fn is_too_wide(net: IpNet) -> bool {
    match net {
        IpNet::V4(net) => net.prefix_len() == 0,
        IpNet::V6(net) => net.contains(&MAPPED) || MAPPED.contains(&net),
    }
}

fn first_word(text: &str) -> Option<(&str, std::str::SplitAsciiWhitespace<'_>)> {
    let mut words = text.split_ascii_whitespace();
    Some((words.next()?, words))
}

fn are_gateway_and_metrics(
    mut words: std::str::SplitAsciiWhitespace<'_>,
    is_family: impl Fn(&IpAddr) -> bool,
) -> bool {
    let Some(gateway) = words.next() else {
        return true;
    };
    let is_gateway = gateway.parse().is_ok_and(|address| is_family(&address));
    is_gateway && words.all(|metric| decimal::<u32>(metric).is_some())
}

fn class_length(address: Ipv4Addr) -> Option<u8> {
    match address.octets()[0] {
        0..=127 => Some(8),
        128..=191 => Some(16),
        192..=223 => Some(24),
        _ => None,
    }
}

/// Digits only: `parse` alone would take a sign.
fn decimal<N: std::str::FromStr>(word: &str) -> Option<N> {
    let digits = word.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| word.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_routes_are_too_wide() {
        let cases = [
            ("0.0.0.0/0", true),
            ("0.0.0.0/1", false),
            ("0.0.0.0/32", false),
            ("::/0", true),
            ("::/1", true),
            ("::/80", true),
            ("::/81", false),
            ("8000::/1", false),
            ("::ffff:0:0/96", true),
            ("::ffff:192.0.2.0/120", true),
            ("2001:db8::/32", false),
        ];
        for (net, expected) in cases {
            assert_eq!(is_too_wide(net.parse().unwrap()), expected, "{net}");
        }
    }

    #[test]
    fn routes_are_read_as_radius_writes_them() {
        let cases = [
            ("192.0.2.0/24 0.0.0.0 1", "192.0.2.0/24"),
            ("192.0.2.77/24 192.0.2.1 1 2 -1", ""),
            ("192.0.2.77/24 192.0.2.1 1 2 400", "192.0.2.0/24"),
            ("198.51.100.0", "198.51.100.0/24"),
            ("10.1.0.0 0.0.0.0 1", "10.0.0.0/8"),
            ("172.16.4.0 0.0.0.0 1", "172.16.0.0/16"),
            ("224.0.0.0", ""),
            ("192.0.2.0/33", ""),
            ("192.0.2.0/+4", ""),
            ("192.0.2.0/24 gateway", ""),
            ("192.0.2.0/24 ::1 1", ""),
            ("2001:db8::/32", ""),
            ("", ""),
        ];
        for (text, expected) in cases {
            let shown = v4(text).map(|net| net.to_string()).unwrap_or_default();
            assert_eq!(shown, expected, "{text}");
        }
        let cases = [
            (
                "2000:0:0:106::/64 2000::106:a00:20ff:fe99:a998 1",
                "2000:0:0:106::/64",
            ),
            ("2001:db8:7::1/48", "2001:db8:7::/48"),
            ("2001:db8::", ""),
            ("2001:db8::/129", ""),
            ("2001:db8::/32 192.0.2.1", ""),
        ];
        for (text, expected) in cases {
            let shown = v6(text).map(|net| net.to_string()).unwrap_or_default();
            assert_eq!(shown, expected, "{text}");
        }
    }
}
