// SPDX-License-Identifier: GPL-3.0-or-later

/// The headers of every answer.
enum SecurityHeaders {
  /// What the page may load and run: its own three files, and nothing that stands in a document.
  static let policy = [
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'",
    "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].joined(separator: "; ")

  /// The header lines.
  static let lines = [
    "content-security-policy: \(policy)",
    "x-content-type-options: nosniff",
    "referrer-policy: no-referrer",
    "cross-origin-opener-policy: same-origin",
    "cross-origin-resource-policy: same-origin",
    "cache-control: no-store",
  ]
}
