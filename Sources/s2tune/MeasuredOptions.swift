// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Profiles

/// Under what files of measurements were recorded.
struct MeasuredOptions: ParsableArguments {
  @Option(
    help: "The kernel profile under which the files were measured.",
    completion: .custom { _, _, _ in names(of: .kernel) }
  )
  var kernel = "6.1"

  @Option(
    help: ArgumentHelp(
      "Which machine of a file of event counts is taken, where it has several.",
      valueName: "kernel/cpu"
    )
  )
  var machine: String?
}
