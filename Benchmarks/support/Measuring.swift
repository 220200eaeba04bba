// SPDX-License-Identifier: GPL-3.0-or-later

// What the benchmark programs share: the smallest size, times, targets, and results that must hold.

import Foundation

/// Whether the program is asked for its smallest size, which takes seconds and shows that it works.
package let isSmoke = CommandLine.arguments.contains("--smoke")

/// Seconds that a piece of work takes.
package func seconds(_ body: () throws -> Void) rethrows -> Double {
  let spent = try ContinuousClock().measure { try body() }.components
  return Double(spent.seconds) + Double(spent.attoseconds) * 1e-18
}

/// Seconds of each of `rounds` runs, in ascending order.
package func seconds(rounds: Int, _ body: () throws -> Void) rethrows -> [Double] {
  try (0..<rounds).map { _ in try seconds(body) }.sorted()
}

/// Prints a target with what was measured and whether it is met; the smallest size meets none.
package func report(_ name: String, _ measured: String, _ target: String, _ isMet: Bool) {
  let verdict = isSmoke ? "small " : isMet ? "met   " : "missed"
  print("\(verdict)  \(name): \(measured), target \(target)")
}

/// Ends the program with 1 where a result is wrong, however fast it came.
package func require(_ isRight: Bool, _ result: @autoclosure () -> String) {
  guard !isRight else { return }
  print("wrong   \(result())")
  exit(1)
}
