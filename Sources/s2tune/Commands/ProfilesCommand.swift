// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Profiles

/// `s2tune profiles`: what can be asked about, and where each value comes from.
struct ProfilesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "profiles",
    abstract: "Lists hosts, kernels and workloads, shows one with its sources, or lists the keys.",
    subcommands: [ListProfiles.self, ShowProfile.self, ListKeys.self],
    defaultSubcommand: ListProfiles.self
  )
}

/// `s2tune profiles list`.
struct ListProfiles: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Lists every profile with its summary."
  )

  @OptionGroup var common: CommonOptions

  func run() throws {
    let rows = try common.store().rows()
    guard common.format == .text else {
      return try answer(json: Listed(name: "profiles", elements: rows), .profiles)
    }
    let width = rows.map(\.name.count).max() ?? 0
    try answer(
      rows.map { row in
        "\(padded(row.kind.rawValue, 9)) \(padded(row.name, width))  \(row.summary)"
      }.joined(separator: "\n")
    )
  }
}

/// `s2tune profiles show KIND NAME`.
struct ShowProfile: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Shows every value of a profile with its reason and source."
  )

  @OptionGroup var common: CommonOptions
  @Argument(help: "host, kernel or workload.") var kind: Kind
  @Argument(help: "The profile's name.") var name: String

  enum Kind: String, ExpressibleByArgument, CaseIterable {
    case host, kernel, workload
  }

  struct Row: Encodable {
    let key: String
    let value: String
    let why: String
    let source: String
    let provenance: Provenance
    let origin: String
  }

  func run() throws {
    let store = try common.store()
    switch kind {
    case .host: try show(store.load(HostProfile.self, named: name))
    case .kernel: try show(store.load(KernelProfile.self, named: name))
    case .workload: try show(store.load(WorkloadProfile.self, named: name))
    }
  }

  private func show<Content: Profile>(_ loaded: Loaded<Content>) throws {
    let rows = loaded.entries.map {
      Row(
        key: $0.key,
        value: $0.value,
        why: $0.why,
        source: $0.source,
        provenance: $0.provenance,
        origin: $0.origin.description
      )
    }
    guard common.format == .text else {
      return try answer(json: Listed(name: "values", elements: rows), .profile)
    }
    var lines = [
      "\(name): \(loaded.summary)", "from \(loaded.files.joined(separator: ", then "))", "",
    ]
    let width = rows.map(\.key.count).max() ?? 0
    for row in rows {
      lines.append("\(padded(row.key, width))  \(padded(row.value, 14)) \(row.source)")
      lines.append("\(padded("", width))  \(row.why)")
    }
    try answer(lines.joined(separator: "\n"))
  }
}

/// `s2tune profiles keys`.
struct ListKeys: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "keys",
    abstract: "Lists every key that a profile or --set takes."
  )

  @OptionGroup var common: CommonOptions

  struct Row: Encodable {
    let kind: ProfileKind
    let key: String
    let summary: String
    let legal: String
  }

  func run() throws {
    let rows = rows(HostProfile.self) + rows(KernelProfile.self) + rows(WorkloadProfile.self)
    guard common.format == .text else {
      return try answer(json: Listed(name: "keys", elements: rows), .keys)
    }
    let width = rows.map(\.key.count).max() ?? 0
    try answer(
      rows.map { "\(padded($0.key, width))  \($0.summary): \($0.legal)" }.joined(separator: "\n")
    )
  }

  private func rows<Content: Profile>(_ type: Content.Type) -> [Row] {
    Content.keys.map {
      Row(kind: Content.kind, key: $0.name, summary: $0.summary, legal: $0.legal)
    }
  }
}

/// A text with spaces up to a width.
func padded(_ text: String, _ width: Int) -> String {
  text + String(repeating: " ", count: max(0, width - text.count))
}
