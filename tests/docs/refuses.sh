#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Documents whose examples are wrong, each in one way, are refused, and for that.
# Usage: refuses.sh EXAMPLES FOLDER-OF-PROGRAMS
set -euo pipefail

examples=$1 programs=$2
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
failed=0

# refused SENTENCE: the document on standard input is, with this sentence.
refused() {
	local status=0
	sed "s/^~~~/\`\`\`/" >"$work/page"
	"$examples" "$programs" "$work/page" >"$work/said" 2>&1 || status=$?
	((status != 77)) || exit 77
	((status)) && grep -qF -- "$1" "$work/said" && return
	printf 'not refused with "%s" (status %d):\n' "$1" "$status"
	cat "$work/page" "$work/said"
	failed=1
}

refused 'that is not what the example prints' <<'END'
~~~sh run host=workstation
vfioctl list --class 0108
~~~
~~~output
ADDRESS       ID         CLASS   DRIVER  GROUP  NUMA  NAME
0000:04:00.0  144d:a80a  010802  nvme    16     -     Non…
~~~
END
refused 'that is not what the example prints' <<'END'
~~~sh run host=workstation
vfioctl info 04:00.0
~~~
~~~output
…
driver           vfio-pci
…
~~~
END
refused 'that is not in what the example prints' <<'END'
~~~sh run host=workstation
curl -s http://127.0.0.1:8080/healthz
~~~
~~~json
{"status": "bad"}
~~~
END
refused 'failed with status' <<'END'
~~~sh run host=workstation
vfioctl bind 04:00.0
~~~
END
refused 'failed with status' <<'END'
~~~sh run host=workstation
curl -s http://127.0.0.1:8080/no/such/path
~~~
END
refused 'failed with status' <<'END'
~~~sh run host=workstation
true
~~~
~~~ini run
ExecStart=/usr/bin/vfioctl list
ExecStop=/usr/bin/vfioctl unbind 7f:00.0
~~~
END
refused 'should have failed' <<'END'
~~~sh run host=workstation fails
vfioctl list
~~~
END
refused 'that can be run' <<'END'
~~~sh parse
sudo vfioctl list
~~~
END
refused 'this is no shell' <<'END'
~~~sh parse
if true; then
~~~
END
refused "that would be this machine's own" <<'END'
~~~sh run host=workstation
folder=; cat "${folder}/proc/cmdline"
~~~
END
refused 'a block of what?' <<'END'
~~~sh
vfioctl list
~~~
END
refused 'no example prints this' <<'END'
~~~output
nothing
~~~
END
refused 'on which host?' <<'END'
~~~sh run
vfioctl list
~~~
END
exit $failed
