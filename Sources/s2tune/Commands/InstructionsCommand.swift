// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Files
import Calibration
import Foundation
import Quantities
import Reports

/// `s2tune instructions`: what each stage-2 event costs in instructions, fitted to real counts.
struct InstructionsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "instructions",
    abstract: "Fits what each stage-2 event costs in instructions to real kernels' counts.",
    discussion: """
      Every model is judged by leaving each layout out of its fit in turn; 20 instructions or \
      0.1 % are allowed, whichever is more, and exit code 1 says that a model misses it. With \
      --directory each model is written to KERNEL-CPU.json there. The shipped ones come from
        s2tune instructions --counts models/facts/captures/kernel-counts.csv \\
          --directory models/instructions --force
      """
  )

  @OptionGroup var common: CommonOptions
  @Option(
    help: ArgumentHelp("The file of event counts.", valueName: "file"),
    completion: .file(extensions: ["csv"])
  )
  var counts: String
  @Option(
    help: ArgumentHelp("Where the models are written.", valueName: "dir"),
    completion: .directory
  )
  var directory: String?
  @Flag(help: "Replaces files that exist.")
  var force = false

  func run() throws {
    let file = try KernelCounts(reading: TextLines(counts))
    guard CountsValidation(file).passes else {
      throw Failure.data(
        "\(counts): the model's counts are not the file's, so no price would mean anything; "
          + "s2tune validate --counts shows where"
      )
    }
    let models = try fit(file)
    guard !models.isEmpty else {
      throw Failure.data("\(counts): no row of a phase that does one operation alone")
    }
    try store(models)
    try write(models)
    guard models.allSatisfy(\.passes) else {
      throw Negative(sentence: "a layout is not predicted by the others within what is allowed")
    }
  }

  private func fit(_ file: KernelCounts) throws -> [InstructionModel] {
    do {
      return try InstructionModel.fit(file)
    } catch {
      throw Failure.data("\(counts): \(error)")
    }
  }

  private func store(_ models: [InstructionModel]) throws {
    guard let directory else { return }
    let paths = models.map { "\(directory)/\($0.fileName)" }
    // All or none: what is in the way is found before anything is written.
    if !force, let taken = paths.first(where: { FileManager.default.fileExists(atPath: $0) }) {
      throw FileError.exists(path: taken)
    }
    for (model, path) in zip(models, paths) {
      try UserFile.write(String(decoding: model.encoded(), as: UTF8.self), to: path, force: force)
    }
  }

  private func write(_ models: [InstructionModel]) throws {
    guard common.format == .text else {
      return try answer(json: Listed(name: "models", elements: models), .instructions)
    }
    var table = TextTable(columns: [
      .init("kernel"), .init("cpu"), .init("operation"), .init("rows", isNumber: true),
      .init("worst fitted", isNumber: true), .init("worst left out", isNumber: true),
      .init("of allowed", isNumber: true),
    ])
    for model in models {
      for one in model.operations {
        table.append([
          model.kernel, model.cpu, one.operation.rawValue, String(one.rows),
          significant(one.fitted.instructions, digits: 4),
          significant(one.leftOut.instructions, digits: 4), percent(one.leftOut.ofAllowed),
        ])
      }
    }
    try answer("Instructions off, by operation\n\n" + table.text())
  }
}
