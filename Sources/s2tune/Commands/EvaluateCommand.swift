// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser

/// `s2tune evaluate`: how good the parts of s2tune are, measured.
struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measures how good cost model and search are, and which knobs matter.",
    subcommands: [
      EvaluateAnswers.self, EvaluateSearch.self, EvaluateModel.self, EvaluateStrategies.self,
      EvaluateSensitivity.self,
    ]
  )
}
