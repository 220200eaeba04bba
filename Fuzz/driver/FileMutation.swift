// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// Files of every kind that s2tune reads, changed, with the command that reads each.
struct FileMutation {
  /// A kind of file: where whole ones are, and the command line that reads one.
  private struct Kind {
    let seeds: [[UInt8]]
    /// Where the file goes below the folder of the campaign.
    let place: String
    let arguments: [String]
  }

  private let folder: String
  private let kinds: [Kind]
  private var mutator: Mutator
  private var last: (file: String, arguments: [String]) = ("", [])

  /// Mutations of the files of the package that the program runs in.
  init(seed: UInt64) throws {
    mutator = Mutator(seed: seed)
    folder = NSTemporaryDirectory() + "fuzz-\(getpid())"
    let models = folder + "/models"
    for kind in ["hosts", "kernels", "workloads", "answers/graviton3/6.1"] {
      try FileManager.default.createDirectory(
        atPath: "\(models)/\(kind)",
        withIntermediateDirectories: true
      )
    }
    let tables = try Self.files("Fuzz/corpus", ".table.json")
    if let table = tables.first { try Data(table).write(to: URL(filePath: folder + "/old.json")) }
    let question = ["--workload", "ci-microvm", "--host", "graviton3", "--kernel", "6.1"]
    let captures = "models/facts/captures"
    kinds = [
      Kind(
        seeds: try Self.files("\(captures)/ptdump", ".stage2_page_tables"),
        place: "dump",
        arguments: ["count", "--kernel", "6.12", "--stage2-dump", folder + "/dump"]
          + ["--op", "unmap:0x40000000+16MiB", "--op", "destroy"]
      ),
      Kind(
        seeds: try Self.files("\(captures)/ptdump", ".stage2_page_tables"),
        place: "dump",
        arguments: ["simulate", "--window", "--max-events", "100000"] + question
          + ["--stage2-dump", folder + "/dump"]
      ),
      Kind(
        seeds: try Self.files(captures, "-counts.csv").map { Array($0.prefix(12_000)) },
        place: "counts.csv",
        arguments: ["validate", "--counts", folder + "/counts.csv"]
      ),
      Kind(
        seeds: try Self.files("models/facts", ".yaml"),
        place: "facts.yaml",
        arguments: ["calibrate", "--host", "graviton3", folder + "/facts.yaml"]
      ),
      Kind(
        seeds: try Self.files(captures + "/probe", ".jsonl").map { Array($0.prefix(6_000)) },
        place: "probe.jsonl",
        arguments: ["calibrate", "--host", "graviton3", folder + "/probe.jsonl"]
      ),
      Kind(
        seeds: try Self.files("models/hosts", ".yaml"),
        place: "models/hosts/mutant.yaml",
        arguments: ["simulate", "--window", "--max-events", "100000", "--models", models]
          + ["--workload", "ci-microvm", "--host", "mutant", "--kernel", "6.1"]
      ),
      Kind(
        seeds: try Self.files("models/workloads", ".yaml"),
        place: "models/workloads/mutant.yaml",
        arguments: ["simulate", "--window", "--max-events", "100000", "--models", models]
          + ["--workload", "mutant", "--host", "graviton3", "--kernel", "6.1"]
      ),
      Kind(
        seeds: try Self.files("models/kernels", ".yaml"),
        place: "models/kernels/mutant.yaml",
        arguments: ["what-if", "--models", models, "--policy", "chunk=2MiB"]
          + ["--workload", "ci-microvm", "--host", "graviton3", "--kernel", "mutant"]
      ),
      Kind(
        seeds: try Self.files("models/answers/graviton3/6.1", "ci-microvm.json"),
        place: "models/answers/graviton3/6.1/ci-microvm.json",
        arguments: ["recommend", "--models", models, "--details", "--repro", "--budget", "9"]
          + question
      ),
      Kind(
        seeds: try RecordMutation.seeds(),
        place: "record",
        arguments: ["observe", folder + "/record"]
      ),
      Kind(
        seeds: tables,
        place: "new.json",
        arguments: ["table", "diff", folder + "/old.json", folder + "/new.json"]
      ),
      Kind(
        seeds: try Self.files("Fuzz/corpus", ".runs.jsonl"),
        place: "runs.jsonl",
        arguments: ["campaign", "import", "--store", folder + "/lines.db", folder + "/runs.jsonl"]
      ),
      Kind(
        seeds: try Self.files("Fuzz/corpus", ".runs.db"),
        place: "runs.db",
        arguments: ["campaign", "status", "--digest", "--store", folder + "/runs.db"]
      ),
      Kind(
        seeds: try Self.files("Fuzz/corpus", ".runs.db"),
        place: "export.db",
        arguments: ["campaign", "export", "fuzz", "--store", folder + "/export.db"]
      ),
    ].filter { !$0.seeds.isEmpty }
  }

  /// The contents of the files of a folder whose names end so, in the order of their names.
  static func files(_ folder: String, _ end: String) throws -> [[UInt8]] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return try names.filter { $0.hasSuffix(end) }.sorted().map {
      [UInt8](try Data(contentsOf: URL(filePath: "\(folder)/\($0)")))
    }
  }

  /// Writes the next mutant and gives the command line that reads it.
  mutating func next() throws -> [String] {
    let kind = mutator.pick(kinds)
    let bytes = mutator.mutated(mutator.pick(kind.seeds), others: mutator.pick(kinds).seeds)
    let file = folder + "/" + kind.place
    try Data(bytes).write(to: URL(filePath: file))
    // A mutant stays for one input: the next of another kind has no broken profile beside it.
    if last.file != file, !last.file.isEmpty { unlink(last.file) }
    last = (file, kind.arguments)
    return kind.arguments
  }

  /// Keeps the last mutant for whoever looks into it.
  func keep(_ name: String) throws {
    let kept = ".build/fuzz"
    try FileManager.default.createDirectory(atPath: kept, withIntermediateDirectories: true)
    let target = "\(kept)/\(name)-\((last.file as NSString).lastPathComponent)"
    unlink(target)
    try FileManager.default.copyItem(atPath: last.file, toPath: target)
    say("  kept as \(target)")
  }
}
