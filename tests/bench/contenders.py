"""The ways from a client to a server that are held side by side. Each starts its own processes on free ports and ends them.

All with TLS use mutual TLS 1.2 with ECDHE-ECDSA-AES128-GCM-SHA256 and P-256 certificates: what two of ours negotiate where
mbedTLS is 2.28, and as fast as TLS 1.3 with the same cipher; sessions are resumed where a program does that by itself.
"""

import os
import pwd
import shutil
import subprocess

import harness
from processes import Folder, echoes, free_port, listens
from servers import SERVICES
from skupper_router import Authority, Link, Router, redirected

SUITE = "ECDHE-ECDSA-AES128-GCM-SHA256"
RATE_MBIT = 1000
ONE_WAY_MS = 50


def pairs(listen, target):
    return [f"{listen[name]}:{target[name]}" for name in SERVICES]


class Contender:
    """`servers` are the ports to reach; after the start `ports` are those of a client, by service. `long`: the part between
    the two sites is 100 ms and 1 Gbit/s long."""
    needs = ()
    rival = False
    hops = 0  # sites between the two at the ends

    def __init__(self, name, servers, programs, long=False):
        self.name, self.servers, self.programs, self.long = name, servers, programs, long
        self.remarks = set()
        self.processes = Folder(name)
        self.paths = Folder(f"{name}-path")
        self.ports = {service: free_port() for service in SERVICES}
        try:
            self.start()
            harness.wait_until(lambda: echoes(self.ports["echo"]), f"{name} echoes", 60)
        except Exception as error:
            said = self.processes.outputs()
            self.close()
            raise AssertionError(f"{error}\n{said}") from None
        except BaseException:  # told to end
            self.close()
            raise

    @classmethod
    def missing(cls):
        """Programs that are not there."""
        return [program for program in cls.needs if not shutil.which(program)]

    @staticmethod
    def version():
        return None

    def pids(self):
        return self.processes.started()

    def close(self):
        self.processes.close()
        self.paths.close()

    def program(self, name):
        return os.path.join(self.programs, name)

    def path_to(self, ports):
        """Where to connect for what listens on `ports`: these themselves, or the long path to them."""
        if not self.long:
            return ports
        near = [free_port() for _ in ports]
        self.paths.start("shaper", self.program("shaper"), RATE_MBIT, ONE_WAY_MS, *(f"{a}:{b}" for a, b in zip(near, ports)))
        return near

    def path_by_service(self, ports):
        return dict(zip(SERVICES, self.path_to([ports[name] for name in SERVICES])))


class Direct(Contender):
    def start(self):
        self.ports = self.path_by_service(self.servers)


class Floor(Contender):
    def start(self):
        far = {name: free_port() for name in SERVICES}
        self.processes.start("open", self.program("floor_relay"), "open", *pairs(far, self.servers))
        self.processes.start("seal", self.program("floor_relay"), "seal", *pairs(self.ports, self.path_by_service(far)))


class Haproxy(Contender):
    needs = ("haproxy", "openssl")
    rival = True

    @staticmethod
    def version():
        return first_line("haproxy", "-v")

    def start(self):
        authority = Authority(self.processes.folder)
        for name in ("server", "client"):
            with open(authority.path(f"{name}.pem"), "wb") as f:
                f.write(authority.read(f"{name}.crt") + authority.read(f"{name}.key"))
        far = {name: free_port() for name in SERVICES}
        path = self.path_by_service(far)
        ca = f"ca-file {authority.path('ca.crt')} verify required"
        tls = f"force-tlsv12 ciphers {SUITE}"
        common = ("global\n  nbthread 1\n  maxconn 8000\n"
                  "defaults\n  mode tcp\n  timeout connect 60s\n  timeout client 1h\n  timeout server 1h\n")
        at_site = at_laptop = common
        for name in SERVICES:
            at_site += (f"listen {name}\n  bind 127.0.0.1:{far[name]} ssl crt {authority.path('server.pem')} {ca} {tls}\n"
                        f"  server s 127.0.0.1:{self.servers[name]}\n")
            at_laptop += (f"listen {name}\n  bind 127.0.0.1:{self.ports[name]}\n"
                          f"  server s 127.0.0.1:{path[name]} ssl crt {authority.path('client.pem')} {ca} {tls}\n")
        self.processes.start("site", "haproxy", "-db", "-f", self.processes.write("site.cfg", at_site))
        self.processes.start("laptop", "haproxy", "-db", "-f", self.processes.write("laptop.cfg", at_laptop))


class Stunnel(Contender):
    needs = ("stunnel4", "openssl")
    rival = True

    @staticmethod
    def version():
        return first_line("stunnel4", "-version", matching="stunnel ")

    def start(self):
        authority = Authority(self.processes.folder)
        far = {name: free_port() for name in SERVICES}
        path = self.path_by_service(far)
        for place, client, listen, target in (("site", "no", far, self.servers), ("laptop", "yes", self.ports, path)):
            certificate = "client" if client == "yes" else "server"
            text = (f"foreground = yes\npid =\ndebug = err\nsyslog = no\nsocket = l:TCP_NODELAY=1\nsocket = r:TCP_NODELAY=1\n"
                    f"client = {client}\ncert = {authority.path(certificate + '.crt')}\nkey = {authority.path(certificate + '.key')}\n"
                    f"CAfile = {authority.path('ca.crt')}\nverifyChain = yes\nsslVersion = TLSv1.2\nciphers = {SUITE}\n")
            if client == "no":
                text += "requireCert = yes\n"
            for name in SERVICES:
                text += f"[{name}]\naccept = 127.0.0.1:{listen[name]}\nconnect = 127.0.0.1:{target[name]}\n"
            self.processes.start(place, "stunnel4", self.processes.write(f"{place}.conf", text))


class Ssh(Contender):
    """`ssh -L`: all streams in one connection."""
    needs = ("ssh", "ssh-keygen", "sshd")
    rival = True
    SEPARATION = "/run/sshd"  # root's sshd wants it, empty

    @classmethod
    def missing(cls):
        return [program for program in cls.needs if not find_sshd(program)]

    @staticmethod
    def version():
        return first_line("ssh", "-V")

    def start(self):
        folder = self.processes.folder
        for key in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", os.path.join(folder, key)], check=True)
        self.made_separation = os.geteuid() == 0 and not os.path.isdir(self.SEPARATION)
        if self.made_separation:
            os.mkdir(self.SEPARATION, 0o755)
        port = free_port()
        config = self.processes.write("sshd.conf", f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile none\nUsePAM no\n"
                                      f"StrictModes no\nAuthorizedKeysFile {folder}/user.pub\nPasswordAuthentication no\nMaxSessions 8192\n"
                                      "PermitRootLogin prohibit-password\nCiphers aes128-gcm@openssh.com\n")
        self.processes.start("sshd", find_sshd("sshd"), "-D", "-e", "-f", config)
        near, = self.path_to([port])
        with open(os.path.join(folder, "host.pub")) as f:
            known = self.processes.write("known", f"bench {f.read()}")
        harness.wait_until(lambda: listens(port) and listens(near), "sshd listens", 30)
        forwards = [word for name in SERVICES for word in ("-L", f"127.0.0.1:{self.ports[name]}:127.0.0.1:{self.servers[name]}")]
        self.processes.start("ssh", "ssh", "-F", "none", "-N", *forwards, "-c", "aes128-gcm@openssh.com", "-i", f"{folder}/user",
                             "-o", f"UserKnownHostsFile={known}", "-o", "HostKeyAlias=bench", "-o", "BatchMode=yes",
                             "-o", "IdentitiesOnly=yes", "-o", "ExitOnForwardFailure=yes", "-p", near, f"{pwd.getpwuid(os.geteuid()).pw_name}@127.0.0.1")

    def close(self):
        super().close()
        if getattr(self, "made_separation", False):
            os.rmdir(self.SEPARATION)


class QuietRouter(Router):
    """A real router as for the tests, with the suite that all others use too, and without a log of each connection."""
    logs = "warning+"

    def _tls(self, name, files):
        super()._tls(name, files)
        self.entities[-1][1].update(ciphers=SUITE, protocols="TLSv1.2")


def expose_all(site, servers):
    for name in SERVICES:
        site.expose(servers[name], name)


class WithRouters(Contender):
    needs = ("skrouterd", "openssl")

    @staticmethod
    def version():
        return f"skrouterd {first_line('skrouterd', '-v')}"

    def router(self, name):
        if not hasattr(self.processes, "authority"):
            self.processes.authority = Authority(self.processes.folder)
        return QuietRouter(self.processes, name)

    def join(self, router, token, role="interior"):
        router.join_token(self.by_long_path(token), role)

    def by_long_path(self, token):
        if not self.long:
            return token
        endpoints = Link(token).endpoints
        near = self.path_to([port for _, port in endpoints.values()])
        return redirected(token, {role: ("127.0.0.1", port) for role, port in zip(endpoints, near)})

    def bind_all(self, router):
        for name in SERVICES:
            router.bind(name)
            self.ports[name] = router.stand_in(name)[1]


class Skrouterd(WithRouters):
    """Interior routers in a row."""
    rival = True

    def start(self):
        sites = [self.router(f"SITE{number}").listen() for number in range(1 + self.hops)]
        near = self.router("NEAR")
        self.bind_all(near)
        expose_all(sites[-1], self.servers)
        for nearer, farther in zip([near, *sites], sites):
            self.join(nearer, farther.token())
        for router in [*sites, near]:
            router.start()


class Vanctl(WithRouters):
    """A laptop with stand-ins joins a site; the servers are exposed there, or at a site farther away."""
    needs = ()

    @staticmethod
    def version():
        return first_line(harness.VANCTL, "--version")

    def start(self):
        sites = [self.site(f"site{number}") for number in range(1 + self.hops)]
        for nearer, farther in zip(sites, sites[1:]):
            farther.ok("join", nearer.token(), "--role", "interior")
        laptop = harness.Profile(self.processes, "laptop")
        laptop.ok("join", self.by_long_path(sites[0].token()), "--name", "laptop")
        self.expose(sites[-1])
        self.bind(laptop)

    def site(self, name):
        return harness.Profile(self.processes, name).create_site()

    def expose(self, profile):
        for name in SERVICES:
            profile.ok("expose", f"127.0.0.1:{self.servers[name]}", "as", name)

    def bind(self, profile):
        for name in SERVICES:
            profile.ok("bind", name, f"127.0.0.1:{self.ports[name]}")
        for name in SERVICES:
            profile.wait_reachable(name)


class VanctlSites(Vanctl):
    """Two sites with a link between them, each with so many workers."""
    workers = 1

    def start(self):
        near, far = self.site_of_workers("near"), self.site_of_workers("far")
        near.ok("join", self.by_long_path(far.token()), "--role", "interior")
        self.expose(far)
        self.bind(near)

    def site_of_workers(self, name):
        profile = harness.Profile(self.processes, name)
        profile.configure(f"workers = {self.workers}\n")
        return profile.create_site()


def with_workers(count):
    return type(f"{VanctlSites.__name__}{count}", (VanctlSites,), {"workers": count})


class VanctlToRouter(Vanctl):
    """A laptop of ours with stand-ins joins a real router, where the servers are."""
    needs = ("skrouterd", "openssl")
    version = staticmethod(WithRouters.version)

    def start(self):
        real = self.router("REAL").listen()
        expose_all(real, self.servers)
        real.start()
        laptop = harness.Profile(self.processes, "laptop")
        laptop.ok("join", self.by_long_path(real.token()), "--name", "laptop")
        self.bind(laptop)


class RouterToVanctl(VanctlToRouter):
    """The stand-ins are at a real router, the servers at a laptop of ours that joined it."""

    def start(self):
        real = self.router("REAL").listen()
        self.bind_all(real)
        real.start()
        laptop = harness.Profile(self.processes, "laptop")
        laptop.ok("join", self.by_long_path(real.token()), "--name", "laptop")
        self.expose(laptop)
        harness.wait_until(lambda: all(listens(port) for port in self.ports.values()), "the real listeners open", 60)


def one_more(base, count):
    return type(f"{base.__name__}{count}", (base,), {"hops": count})


CONTENDERS = {
    "direct": Direct, "floor": Floor, "vanctl": Vanctl, "vanctl-skrouterd": VanctlToRouter, "skrouterd-vanctl": RouterToVanctl,
    "skrouterd": Skrouterd, "haproxy": Haproxy, "stunnel": Stunnel, "ssh": Ssh,
    "vanctl*1": with_workers(1), "vanctl*2": with_workers(2),
    "vanctl+1": one_more(Vanctl, 1), "vanctl+2": one_more(Vanctl, 2), "skrouterd+1": one_more(Skrouterd, 1), "skrouterd+2": one_more(Skrouterd, 2),
}


def find_sshd(program):
    """sshd must be started by its whole path, and is not on everybody's."""
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


def first_line(*command, matching=""):
    done = subprocess.run([*command], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    lines = [line for line in (done.stdout + done.stderr).splitlines() if matching in line]
    return lines[0] if lines else None
