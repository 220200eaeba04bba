// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Reports

/// `s2tune policy`: how a policy is written.
struct PolicyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "policy",
    abstract: "Explains how a policy is written: every key, its values, and what reads it.",
    discussion: PolicyGrammar().text()
  )

  @Option(help: "How the answer is written.")
  var format = OutputFormat.text

  func run() throws {
    switch format {
    case .text: try answer(PolicyGrammar().text())
    case .json: try answer(json: PolicyGrammar(), .policy)
    }
  }
}
