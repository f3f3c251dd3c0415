#!/bin/bash
# by_hand.sh ARCHIVE: what the tutorials do, timed step by step; prints "NAME MILLISECONDS" lines.
# Runs inside a test host.
set -eu
archive=$1
cd /root
now() { date +%s%N; }
begin=$(now)
lap() { echo "$1 $((($(now) - begin) / 1000000))"; }
sha256sum "$archive" >/dev/null
tar -xzf "$archive"
cp docker/* /usr/bin/
sync
lap copied
cat >/etc/systemd/system/docker.service <<'U'
[Unit]
Description=Docker Application Container Engine
After=network-online.target firewalld.service
Wants=network-online.target

[Service]
Type=notify
ExecStart=/usr/bin/dockerd
ExecReload=/bin/kill -s HUP $MAINPID
LimitNOFILE=infinity
LimitNPROC=infinity
LimitCORE=infinity
TimeoutStartSec=0
Delegate=yes
KillMode=process
Restart=on-failure
StartLimitBurst=3
StartLimitInterval=60s

[Install]
WantedBy=multi-user.target
U
groupadd docker
systemctl daemon-reload
systemctl enable -q docker.service
systemctl start docker
docker version >/dev/null
lap running
