// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Foundation

/// The program: parses, runs, and turns every outcome into text and an exit code in one place.
@main
enum Program {
  static func main() {
    do {
      var command = try S2Tune.parseAsRoot()
      try command.run()
    } catch {
      exit(finish(error))
    }
  }

  /// Says what went wrong, in one sentence, and gives the exit code.
  private static func finish(_ error: any Error) -> Int32 {
    if let negative = error as? Negative {
      if !negative.sentence.isEmpty { complain(negative.sentence) }
      return Status.no.rawValue
    }
    if let refusal = error as? any Refusal {
      complain("\(refusal)")
      return refusal.status.rawValue
    }
    S2Tune.exit(withError: error)
  }

  /// Writes the sentence; what a file wrote into it cannot steer the terminal.
  private static func complain(_ sentence: String) {
    let sentence = String(
      String.UnicodeScalarView(
        sentence.unicodeScalars.map {
          $0.properties.generalCategory == .control && $0 != "\n" ? "?" : $0
        }
      )
    )
    FileHandle.standardError.write(Data("s2tune: \(sentence)\n".utf8))
  }
}

/// The root of the command line.
struct S2Tune: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "s2tune",
    abstract: "Recommends how a KVM/arm64 host should batch its stage-2 page-table work.",
    discussion: """
      Exit codes: 0 done, 1 the answer is no, 64 wrong usage, 65 bad data, 70 a bug in s2tune.
      Values carry their unit: 2MiB, 20us, 9.5Gbit/s. Completion scripts: s2tune \
      --generate-completion-script bash|zsh|fish.
      """,
    version: "0.1.0",
    subcommands: [
      RecommendCommand.self,
      WhatIfCommand.self,
      ParetoCommand.self,
      ExportCommand.self,
      TableCommand.self,
      SimulateCommand.self,
      CountCommand.self,
      PolicyCommand.self,
      CampaignCommand.self,
      FitCommand.self,
      EvaluateCommand.self,
      ValidateCommand.self,
      InstructionsCommand.self,
      CalibrateCommand.self,
      ProfilesCommand.self,
    ]
  )
}
