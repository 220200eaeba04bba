// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Scenarios

/// Where a run stops even if the operation has not come to its end.
struct LimitOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Events after which a run stops and says what they were, 1000 to 100000000000. (default: "
        + "\(Scenario.wholeEventLimit) for a whole run, \(Scenario.sampledEventLimit) for one of a window or by batch means)",
      valueName: "count"
    )
  )
  var maxEvents: Int?

  /// The number of these options; refuses an illegal one.
  func events(isSampled: Bool) throws -> Int64 {
    guard let maxEvents else {
      return isSampled ? Scenario.sampledEventLimit : Scenario.wholeEventLimit
    }
    guard (1_000...100_000_000_000).contains(maxEvents) else {
      throw Failure.usage("--max-events \(maxEvents) is not legal; write 1000 to 100000000000")
    }
    return Int64(maxEvents)
  }
}
