// SPDX-License-Identifier: GPL-3.0-or-later

import Profiles
import Quantities
#if canImport(Glibc)
import Glibc
#else
import Foundation
#endif

/// The congestion window of a TCP sender, in segments.
struct CongestionWindow: Sendable {
  let control: CongestionControl
  /// Whether losses leave the window as it is; for scenarios that switch congestion control off.
  var isConstant = false
  private(set) var window: Double = 10
  private(set) var threshold = Double.infinity
  /// CUBIC: the window before the last loss, and when the present epoch began.
  private var before: Double = 0
  private var epoch: Instant?
  /// What a spurious timeout took away.
  private var undo: (window: Double, threshold: Double)?

  init(control: CongestionControl) { self.control = control }

  /// Whole segments that may be in flight.
  var segments: Int64 { Int64(window) }

  /// Grows by newly delivered segments, if the sender was limited by the window.
  mutating func grow(delivered: Int64, inFlight: Int64, now: Instant, limit: Double) {
    if window < threshold {
      guard Double(inFlight) * 2 > window else { return }
      window = min(min(window + Double(delivered), threshold), limit)
    } else {
      guard Double(inFlight) + 1 > window else { return }
      window = min(window + avoidance(delivered: delivered, now: now), limit)
    }
  }

  private mutating func avoidance(delivered: Int64, now: Instant) -> Double {
    guard control == .cubic else { return Double(delivered) / window }
    if epoch == nil { epoch = now }
    let time = (now - (epoch ?? now)).inSeconds
    let origin = max(before, window)
    let inflection = cbrt(max(0, origin - window) / 0.4)
    let offset = time - inflection
    let target = 0.4 * offset * offset * offset + origin
    let step = max(target - window, 0.01) / window
    return min(step, 0.5) * Double(delivered)
  }

  /// A loss that duplicate acknowledgements revealed: one reduction.
  mutating func reduce() {
    guard !isConstant else { return }
    before = window
    window = max(2, window * (control == .cubic ? 0.7 : 0.5))
    threshold = window
    epoch = nil
  }

  /// A retransmission timeout: one segment, then slow start.
  mutating func collapse() {
    guard !isConstant else { return }
    if undo == nil { undo = (window, threshold) }
    before = window
    threshold = max(2, window * (control == .cubic ? 0.7 : 0.5))
    window = 1
    epoch = nil
  }

  /// The timeout was spurious: everything had arrived after all.
  mutating func restore() {
    guard let undo else { return }
    (window, threshold) = undo
    self.undo = nil
  }

  /// The timeout was justified; there is nothing to restore any more.
  mutating func confirm() { undo = nil }
}
