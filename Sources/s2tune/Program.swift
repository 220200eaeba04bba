// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Files
import Foundation
import Quantities

/// The program: parses, runs, and turns every outcome into text and an exit code in one place.
@main
enum Program {
  static func main() {
    Descriptor.prepareStandard()
    exit(run(Array(CommandLine.arguments.dropFirst())))
  }

  /// Runs one command line and gives its exit code.
  static func run(_ arguments: [String]) -> Int32 {
    do {
      do {
        var command = try S2Tune.parseAsRoot(arguments)
        try command.run()
        return 0
      } catch {
        return try finish(error)
      }
    } catch {
      if let sentence = (error as? OutputFailure)?.sentence { complain(sentence) }
      return Status.output.rawValue
    }
  }

  /// Says what went wrong, in one sentence, and gives the exit code; throws where that cannot be
  /// written to standard output.
  private static func finish(_ error: any Error) throws -> Int32 {
    if error is OutputFailure { throw error }
    if let negative = error as? Negative {
      if !negative.sentence.isEmpty { complain(negative.sentence) }
      return Status.no.rawValue
    }
    // It has said so itself, on the same standard error.
    if let worker = error as? WorkerRefusal { return worker.code }
    if let refusal = error as? any Refusal {
      complain("\(refusal)")
      return refusal.status.rawValue
    }
    // Help and versions are asked for by an error as well.
    let code = S2Tune.exitCode(for: error).rawValue
    let text = S2Tune.fullMessage(for: error)
    guard !text.isEmpty else { return code }
    if code == 0 {
      try writeOut(text + "\n")
    } else {
      try? Descriptor.errors.write(Data(displayed(text + "\n").utf8))
    }
    return code
  }
}

/// The root of the command line.
struct S2Tune: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "s2tune",
    abstract: "Recommends how a KVM/arm64 host should batch its stage-2 page-table work.",
    discussion: """
      Exit codes: 0 done, 1 the answer is no, 64 wrong usage, 65 bad data, 70 a bug in s2tune, \
      74 the answer could not be written.
      Values carry their unit: 2MiB, 20us, 9.5Gbit/s. Completion scripts: s2tune \
      --generate-completion-script bash|zsh|fish.
      """,
    version: "0.1.0",
    subcommands: [
      RecommendCommand.self,
      WhatIfCommand.self,
      ParetoCommand.self,
      ReportCommand.self,
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
      ObserveCommand.self,
      HostCommand.self,
      ExploreCommand.self,
      ProfilesCommand.self,
      DoctorCommand.self,
      SessionCommand.self,
    ]
  )

  /// What to try first, for whoever types the program's name alone.
  private static let firstSteps = """
    s2tune recommends how a KVM/arm64 host should batch its stage-2 page-table work. To begin:

      s2tune recommend --workload container-churn --host graviton3
          what to change on such a host, what it does, how to apply it
      s2tune what-if --workload container-churn --host graviton3 --vary chunk=64KiB..1GiB
          what each size of chunk would do
      s2tune host detect
          what this machine is, as a host to ask about
      s2tune explore
          the same as a local page, with sliders

    's2tune profiles' lists the hosts, kernels and workloads there are, 's2tune --help' the commands,
    's2tune help recommend' explains one; 's2tune doctor' says whether this installation is whole.
    """

  func run() throws { try answer(Self.firstSteps) }
}
