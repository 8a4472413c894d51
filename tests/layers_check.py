"""Holds includes and imported symbols against the layers of docs/architecture.md: layers_check.py BUILD_DIR."""

import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CORE = ["core/base", "core/amqp", "core/http", "core/http2", "core/routing", "core/router", "core/tls", "core/io", "core/link"]
MAY_INCLUDE = {
    "core/base": [],
    "core/amqp": ["core/base"],
    "core/http": ["core/base"],
    "core/routing": ["core/base"],
    "core/router": ["core/base", "core/amqp", "core/routing"],
    "core/http2": ["core/base"],
    "core/tls": ["core/base"],
    "core/io": ["core/base"],
    "core/link": CORE,
    "proxy": CORE,
    "agent": CORE + ["proxy"],
    "cli": ["core/base"],
}
# One file may know more than its folder.
EXCEPTIONS = {("cli/main.cpp", "agent"), *((f"cli/{name}", "core/io") for name in ("api_client.cpp", "api_client.h", "system_posix.cpp", "system.h"))}
LIBRARIES = {"uv.h": ["core/io"], "nghttp2/": ["core/http2"], "mbedtls/": ["core/tls"], "openssl/": ["core/tls"], "spdlog/": ["core/link", "proxy", "agent"],
             "spdlog/spdlog.h": ["core/link"],  # others include core/link/log.h
             "toml++/": ["agent"], "yaml-cpp/": ["agent"], "nlohmann/": ["agent", "cli"], "cxxopts": ["cli"]}
PURE = {"core/amqp": "libvan_amqp.a", "core/http": "libvan_http.a", "core/http2": "libvan_http2.a", "core/routing": "libvan_routing.a",
        "core/router": "libvan_router.a"}
IMPURE = re.compile(r"^(open|openat|read|write|close|socket|connect|bind|listen|accept4?|send\w*|recv\w*|poll|select|epoll_\w+|fopen\w*|fread|fwrite|"
                    r"time|gettimeofday|clock_gettime|nanosleep|usleep|sleep|getenv|secure_getenv|setenv|rand|srand|random|getrandom|getentropy|"
                    r"pthread_create|fork|exec\w+|system|_ZNSt6chrono.*3nowEv|_ZNSt13random_device.*|_ZNSt6thread.*)$")


def layer_of(path):
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] == "core" else parts[0]


def include_faults():
    for layer, allowed in MAY_INCLUDE.items():
        for folder, _, files in os.walk(os.path.join(ROOT, layer)):
            for file in sorted(files):
                if not file.endswith((".h", ".cpp")):
                    continue
                path = os.path.relpath(os.path.join(folder, file), ROOT)
                with open(os.path.join(folder, file), encoding="utf-8") as f:
                    text = f.read()
                for included in re.findall(r'^#include "([^"]+)"', text, re.M):
                    to = layer_of(included)
                    if to != layer and to not in allowed and (path, to) not in EXCEPTIONS:
                        yield f"{path} includes {included}, which is not below {layer}"
                for included in re.findall(r"^#include <([^>]+)>", text, re.M):
                    for library, owners in LIBRARIES.items():
                        if included.startswith(library) and layer not in owners:
                            yield f"{path} includes <{included}>, which belongs to {', '.join(owners)}"


def symbol_faults(build):
    for layer, archive in PURE.items():
        names = subprocess.run(["nm", "-u", "--no-demangle", os.path.join(build, layer, archive)], capture_output=True, text=True, check=True).stdout
        for symbol in sorted({line.split()[-1].split("@")[0] for line in names.splitlines() if line.strip().startswith("U ")}):
            if IMPURE.match(symbol):
                yield f"{archive} imports {symbol}: the protocol core does no I/O and knows no time, environment or randomness"


def main():
    checks = {"includes": list(include_faults()), "symbols": list(symbol_faults(sys.argv[1]))}
    for faults in checks.values():
        for fault in faults:
            print(fault)
    bad = sum(bool(faults) for faults in checks.values())
    print(f"layers: {len(checks) - bad} passed, {bad} failed")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
