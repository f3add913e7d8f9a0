//! SDF filters and QFIs of PDRs, and their order (clauses 5.2.1, 5.2.1A.2 and 8.2.5).

use crate::support::prelude::*;
use crate::support::row::Row;

const REST: &str = "-> to 10.1.0.11 0x77, 2000000 kbit/s";
const FORWARDS: &str = "to 10.1.0.11 0x77, 2000000 kbit/s";

pub(crate) fn rows() -> Vec<Row> {
    const UDP: &str = "permit out 17 from 192.0.2.0/24 to assigned";
    vec![
        with(
            "a lower precedence value wins",
            "5.2.1A.1",
            dropping(3, 10, [sdf(UDP)]),
        )
        .down_list(
            UE,
            &["proto 17 from 192.0.2.0/24 to 10.45.0.2/32 -> drop", REST],
        ),
        with(
            "a higher precedence value comes last",
            "5.2.1A.1",
            dropping(3, 1000, [sdf(UDP)]),
        )
        .down(UE, FORWARDS),
        with(
            "a filter is swapped for the uplink",
            "TS 29.212 5.4.2",
            pgw().pdi(2, |pdi| {
                pdi.add(sdf("permit out 6 from 192.0.2.1 80 to assigned"))
            }),
        )
        .up_list(
            2,
            &["proto 6 from 192.0.2.1/32 from port 80-80 to 10.45.0.2/32 -> out 1, 1000000 kbit/s"],
        ),
        with(
            "several SDF filters are alternatives",
            "5.2.1A.2",
            dropping(
                3,
                10,
                [
                    sdf("permit out 6 from any to assigned"),
                    sdf("permit out 17 from any to assigned"),
                ],
            ),
        )
        .down_list(
            UE,
            &[
                "proto 6 to 10.45.0.2/32 -> drop",
                "proto 17 to 10.45.0.2/32 -> drop",
                REST,
            ],
        ),
        with(
            "lists of ports and ranges",
            "TS 29.212 5.4.2",
            dropping(3, 10, [sdf("permit out 6 from any 80,8000-8080 to any")]),
        )
        .down_list(
            UE,
            &[
                "proto 6 from port 80-80 -> drop",
                "proto 6 from port 8000-8080 -> drop",
                REST,
            ],
        ),
        with(
            "ToS and its mask",
            "8.2.5",
            dropping(3, 10, [leaf(SDF_FILTER, [0x02, 0, 0xb8, 0xfc])]),
        )
        .down_list(UE, &["tos 0xb8/0xfc -> drop", REST]),
        with(
            "a Security Parameter Index",
            "8.2.5",
            dropping(3, 10, [leaf(SDF_FILTER, [0x04, 0, 0, 0, 0, 9])]),
        )
        .down_list(UE, &["spi 0x9 -> drop", REST]),
        with(
            "a flow label",
            "8.2.5",
            pgw_of("2001:db8:45:7::")
                .with(create_pdr(
                    3,
                    10,
                    3,
                    [
                        source(CORE),
                        network("internet"),
                        ue("2001:db8:45:7::"),
                        leaf(SDF_FILTER, [0x08, 0, 0, 0, 5]),
                    ],
                ))
                .with(create_far(3, DROP)),
        )
        .down_list("2001:db8:45:7::1", &["label 0x5 -> drop", REST]),
        ask(
            "an SDF filter that cannot be read",
            "8.2.5",
            dropping(3, 10, [sdf("permit everything")]),
            no(INCORRECT).ie(SDF_FILTER).rule(PDR, 3),
        ),
        ask(
            "deny is no flow description",
            "TS 29.212 5.4.2",
            dropping(3, 10, [sdf("deny out ip from any to assigned")]),
            no(INCORRECT).ie(SDF_FILTER).rule(PDR, 3),
        ),
        ask(
            "an SDF filter of nothing",
            "8.2.5",
            dropping(3, 10, [leaf(SDF_FILTER, [0, 0])]),
            no(INCORRECT).ie(SDF_FILTER).rule(PDR, 3),
        ),
        ask(
            "an SDF filter whose flow description goes beyond it",
            "7.6.7",
            dropping(3, 10, [leaf(SDF_FILTER, [1, 0, 0, 9, b'p'])]),
            no(INVALID_LENGTH).ie(SDF_FILTER),
        ),
        with(
            "an SDF Filter ID alone is another PDR's filter",
            "5.2.1A.2A",
            dropping(3, 10, [sdf_with_id(UDP, 4)])
                .pdi(2, |pdi| pdi.add(leaf(SDF_FILTER, [0x10, 0, 0, 0, 0, 4]))),
        )
        .up_list(
            2,
            &["proto 17 from 192.0.2.0/24 to 10.45.0.2/32 -> out 1, 1000000 kbit/s"],
        ),
        ask(
            "an SDF Filter ID that nobody describes",
            "5.2.1A.2A",
            dropping(3, 10, [leaf(SDF_FILTER, [0x10, 0, 0, 0, 0, 4])]),
            no(INCORRECT).ie(SDF_FILTER).rule(PDR, 3),
        ),
        with("a QFI", "8.2.89", pgw().pdi(2, |pdi| pdi.add(u8(QFI, 9))))
            .up(2, "out 1, of qfi 9, 1000000 kbit/s"),
        with(
            "several QFIs are alternatives",
            "5.2.1A.2",
            pgw().pdi(2, |pdi| pdi.add(u8(QFI, 1)).add(u8(QFI, 9))),
        )
        .up_list(2, &["qfi 1 qfi 9 -> out 1, 1000000 kbit/s"]),
    ]
}
