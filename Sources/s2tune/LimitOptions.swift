// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Scenarios

/// Where a run stops even if the operation has not come to its end.
struct LimitOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Events after which a run stops, 1000 to 100000000000; it says then what they were.",
      valueName: "count"
    )
  )
  var maxEvents = Int(Scenario.standardEventLimit)

  /// The number of these options; refuses an illegal one.
  func events() throws -> Int64 {
    guard (1_000...100_000_000_000).contains(maxEvents) else {
      throw Failure.usage("--max-events \(maxEvents) is not legal; write 1000 to 100000000000")
    }
    return Int64(maxEvents)
  }
}
