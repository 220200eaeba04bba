// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// One campaign: inputs of a kind until the time or their number is up.
struct Campaign {
  private let name: String
  private let seed: UInt64
  private let end: Date
  private let limit: Int
  private let program: String
  /// Seconds of one input at most.
  private let deadline: Double
  private let session: Session
  private let words: [String]
  /// Inputs of each kind of recording, whatever the time; zero for until the time is up.
  private let each: Int
  /// A folder that takes one input for each way to end.
  private let corpus: String?
  private var journal: Journal

  /// A campaign of these words: its name, then `--name value` each.
  init(_ words: [String]) {
    func option(_ name: String, _ standard: String) -> String {
      guard let place = words.firstIndex(of: "--" + name), place + 1 < words.count else {
        return standard
      }
      return words[place + 1]
    }
    self.words = words
    name = words.first ?? ""
    seed = UInt64(option("seed", "1")) ?? 1
    end = Date().addingTimeInterval((Double(option("minutes", "1")) ?? 1) * 60)
    limit = Int(option("inputs", "\(Int.max)")) ?? .max
    each = Int(option("each", "0")) ?? 0
    corpus = option("corpus", "").isEmpty ? nil : option("corpus", "")
    deadline = Double(option("deadline", "10")) ?? 10
    program = option("program", ".build/debug/s2tune")
    session = Session(program, deadline: deadline)
    journal = Journal(name)
  }

  private var goesOn: Bool { Date() < end && journal.inputs < limit }

  /// The places that values are set in: workload, host, kernel.
  static let places = [
    ["container-churn", "graviton3", "6.1"], ["live-migration-thp", "ampere-altra", "6.12"],
    ["storage-randwrite", "generic-armv8.4", "6.5"], ["rpc-latency", "qemu-n1-6.12", "6.6"],
    ["database-hugetlb-1g", "tlbirange-vhe-2023", "6.19"], ["ci-microvm", "thunderx2", "5.10"],
  ]

  /// Runs it; the exit code says whether all inputs ended well.
  mutating func run() throws -> Int32 {
    switch name {
    case "extremes": try extremes()
    case "pairs": try pairs()
    case "files": try files()
    case "texts": try texts()
    case "records": return try records()
    case "hosts": return try hosts()
    case "requests": return try requests()
    default:
      say(
        "usage: Fuzzer extremes|pairs|files|texts|records|hosts|requests [--program P] [--seed N] [--minutes N] [--inputs N] "
          + "[--deadline SECONDS] [--each N] [--corpus DIR]"
      )
      return 64
    }
    say(journal.summary(peak: session.peak))
    return journal.findings.isEmpty ? 0 : 1
  }

  /// Every value alone, then pairs of them and counts until the end.
  private mutating func extremes() throws {
    var cases = ExtremeCases(places: Self.places, seed: seed)
    for arguments in cases.single() where goesOn { try journal.run(arguments, in: session) }
    while goesOn {
      let isCount = journal.inputs % 4 == 0
      try journal.run(isCount ? cases.count() : cases.pair(), in: session)
    }
  }

  /// Every pair of values of two keys, in parts that each spread over all of them.
  private mutating func pairs() throws {
    let parts = max(1, ExtremeCases.pairCount / 1_000)
    for part in 0..<parts where goesOn {
      var cases = ExtremeCases(places: Self.places, seed: seed &+ UInt64(part))
      for arguments in cases.pairs(part: part, of: parts) where goesOn {
        try journal.run(arguments, in: session)
      }
    }
  }

  /// Mutated files through the reader of their kind; a file that ends badly is kept.
  private mutating func files() throws {
    var mutation = try FileMutation(seed: seed)
    while goesOn {
      let arguments = try mutation.next()
      guard try !journal.run(arguments, in: session) else { continue }
      try mutation.keep("finding-\(seed)-\(journal.inputs)")
    }
  }

  /// Mutated recordings of hosts, tests and VMMs through the readers themselves, thousands a second.
  private func records() throws -> Int32 {
    let began = Date()
    var mutation = try RecordMutation(seed: seed)
    while each > 0 ? !mutation.isDone(each: each) : goesOn && mutation.inputs < limit {
      mutation.next()
    }
    if let folder = corpus { try keep(mutation.corpus, in: folder) }
    return inProcess(mutation.inputs, mutation.results, mutation.refusals, mutation.slowest, began)
    {
      mutation.kinds.forEach(say)
    }
  }

  /// Writes one input for each way to end, the shortest, and a list of the ways.
  private func keep(_ corpus: [String: String], in folder: String) throws {
    let place = URL(filePath: folder)
    try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
    var list = ""
    for (index, entry) in corpus.sorted(by: { $0.key < $1.key }).enumerated() {
      let name = String(format: "%03d", index)
      try Data(entry.value.utf8).write(to: place.appending(path: name))
      list += "\(name) \(entry.key)\n"
    }
    try Data(list.utf8).write(to: place.appending(path: "ways.txt"))
  }

  /// Trees of hosts in which one file is changed, through detection itself.
  private func hosts() throws -> Int32 {
    let folder = NSTemporaryDirectory() + "/" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let began = Date()
    var mutation = try HostMutation(seed: seed, in: folder)
    while goesOn, mutation.inputs < limit { try mutation.next() }
    return inProcess(mutation.inputs, mutation.results, mutation.refusals, mutation.slowest, began)
  }

  /// The row of a campaign that ran in this process: a crash would have ended it.
  private func inProcess(
    _ inputs: Int,
    _ results: Int,
    _ refusals: Int,
    _ slowest: Double,
    _ began: Date,
    _ details: () -> Void = {}
  ) -> Int32 {
    let minutes = String(format: "%.1f", Date().timeIntervalSince(began) / 60)
    let time = String(format: "%.2f s", slowest)
    say("| \(name) | \(inputs) | \(results) | \(refusals) | 0 | \(time) | - | \(minutes) |")
    details()
    guard slowest < 10 else {
      say("hang: an input took \(slowest) s")
      return 1
    }
    return 0
  }

  /// Changed requests to a server of the program; one that ends badly is kept.
  private mutating func requests() throws -> Int32 {
    let server = ServerSession(program, deadline: deadline)
    var mutation = RequestMutation(seed: seed)
    while goesOn {
      try server.start()
      let (bytes, isWhole) = mutation.next(port: server.port)
      guard try !journal.send(bytes, isWhole: isWhole, to: server) else { continue }
      try FileManager.default.createDirectory(
        atPath: ".build/fuzz",
        withIntermediateDirectories: true
      )
      let kept = ".build/fuzz/finding-\(seed)-\(journal.inputs)-request"
      try Data(bytes).write(to: URL(filePath: kept))
      say("  kept as \(kept)")
    }
    server.stop()
    say(journal.summary(peak: server.peak))
    return journal.findings.isEmpty ? 0 : 1
  }

  /// Policies, settings, sweeps, limits and operations as mutated texts.
  private mutating func texts() throws {
    var mutation = TextMutation(seed: seed)
    while goesOn { try journal.run(mutation.next(), in: session) }
  }
}

/// Writes a line to standard output at once.
func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
