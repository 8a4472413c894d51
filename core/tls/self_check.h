#pragma once

namespace van::tls {

/// Whether AES-GCM works, and is the fast one (tls-records A2).
struct SelfCheck {
  bool vector_ok = false;    ///< false: encryption is broken, refuse to start
  bool seam_active = false;  ///< false: correct but slow; log "fast AES-GCM not active" and run on
};

/// Runs a NIST vector through mbedTLS's cipher layer, both ways, and with a flipped bit. A few microseconds.
SelfCheck run_self_check();

}  // namespace van::tls
