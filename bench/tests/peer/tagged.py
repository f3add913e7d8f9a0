"""A gNB behind a VLAN, made of scapy: sends an Echo Request and a UE's ping, both tagged.

Arguments: our MAC address, the UPF's MAC address, the TEID, the UE's address, the host to ping.
"""

import sys

from scapy.contrib.gtp import GTP_U_Header, GTPEchoRequest, GTPPDUSessionContainer
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.l2 import Dot1Q, Ether
from scapy.sendrecv import sendp

own, upf, teid, ue, host = sys.argv[1:]
outer = Ether(src=own, dst=upf) / Dot1Q(vlan=100) / IP(src="10.1.0.1", dst="10.1.0.2")
outer /= UDP(sport=2152, dport=2152)
echo = GTP_U_Header(S=1, seq=7, teid=0) / GTPEchoRequest()
container = GTPPDUSessionContainer(type=1, QFI=9)
ping = GTP_U_Header(teid=int(teid), E=1, next_ex=0x85) / container / IP(src=ue, dst=host) / ICMP(id=1, seq=1)
sendp([outer / echo, outer / ping], iface="gnb", verbose=False)
