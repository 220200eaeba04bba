// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Foundation
import PageTables
import Policies
import Profiles

/// How an answer is written.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
  case text, json
}

/// The options of every command.
struct CommonOptions: ParsableArguments {
  @Option(help: "How the answer is written.")
  var format = OutputFormat.text

  @OptionGroup var models: ModelOptions

  /// The profiles and models this command sees.
  func store() throws -> ProfileStore { try models.store() }
}

/// Where profiles and models are found.
struct ModelOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A directory of models that is searched first; then S2TUNE_MODELS, beside the program, the "
        + "package.",
      valueName: "dir"
    ),
    completion: .directory
  )
  var models: String?

  /// The profiles and models this command sees.
  func store() throws -> ProfileStore {
    if let models {
      var isDirectory: ObjCBool = false
      guard FileManager.default.fileExists(atPath: models, isDirectory: &isDirectory),
        isDirectory.boolValue
      else { throw Failure.usage("--models '\(models)' is not a directory; name one that exists") }
    }
    return ProfileStore.standard(named: models)
  }
}

/// The options that say what is asked about: workload, host, kernel, and values of one's own.
struct QuestionOptions: ParsableArguments {
  @Option(help: "The workload profile.", completion: .custom { _, _, _ in names(of: .workload) })
  var workload: String

  @Option(help: "The host profile.", completion: .custom { _, _, _ in names(of: .host) })
  var host: String

  @Option(help: "The kernel profile.", completion: .custom { _, _, _ in names(of: .kernel) })
  var kernel = "6.1"

  @OptionGroup var changes: ChangeOptions

  /// The profiles with the values of this question in them.
  func load(from store: ProfileStore) throws -> LoadedQuestion {
    try changes.load(from: store, workload: workload, host: host, kernel: kernel)
  }
}

/// Values of one's own in the profiles of a question.
struct ChangeOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Sets one value of a profile for this question; may be repeated.",
      valueName: "key=value"
    )
  )
  var set: [String] = []

  @Option(
    name: .customLong("stage2-dump"),
    help: ArgumentHelp(
      "A stage2_page_tables file of a real guest; its mix of leaves and holes is repeated over the "
        + "workload's memory.",
      valueName: "file"
    ),
    completion: .file()
  )
  var dump: String?

  /// Three profiles with these values in them.
  func load(
    from store: ProfileStore,
    workload: String,
    host: String,
    kernel: String
  ) throws -> LoadedQuestion {
    var loaded = LoadedQuestion(
      workload: try store.load(WorkloadProfile.self, named: workload),
      host: try store.load(HostProfile.self, named: host),
      kernel: try store.load(KernelProfile.self, named: kernel)
    )
    for assignment in set { try loaded.set(assignment) }
    if let dump { try loaded.layOut(DumpFile.read(dump, granule: loaded.host.profile.granule)) }
    return loaded
  }
}

/// The profile names of a kind, for shell completion.
func names(of kind: ProfileKind) -> [String] {
  ProfileStore.standard(named: nil).names(of: kind)
}

/// The three profiles of a question, as loaded.
struct LoadedQuestion {
  var workload: Loaded<WorkloadProfile>
  var host: Loaded<HostProfile>
  var kernel: Loaded<KernelProfile>
  /// The guest's tables where a dump was given; nil lays out the workload's own mix.
  var tables: StageTwo?
  /// The dump's file, where one was given.
  var dump: String?

  /// Sets one `key=value` in the profile that has the key.
  mutating func set(_ assignment: String) throws {
    let parts = assignment.split(separator: "=", maxSplits: 1).map(String.init)
    guard parts.count == 2 else {
      throw Failure.usage("--set '\(assignment)' is not legal; write key=value")
    }
    if Loaded<WorkloadProfile>.hasKey(parts[0]) {
      try workload.set(parts[0], to: parts[1])
    } else if Loaded<HostProfile>.hasKey(parts[0]) {
      try host.set(parts[0], to: parts[1])
    } else if Loaded<KernelProfile>.hasKey(parts[0]) {
      try kernel.set(parts[0], to: parts[1])
    } else {
      throw Failure.usage(
        "--set key '\(parts[0])' does not exist in any profile; 's2tune profiles keys' lists them"
      )
    }
  }

  /// The policy of a text over the kernel's own, refused where it is impossible here.
  func policy(_ text: String) throws -> Policy {
    let setting = setting
    guard !text.isEmpty else { return setting.baseline }
    let policy = try Policy(parsing: text, over: setting.baseline)
    try policy.validate(in: setting)
    return policy
  }

  /// Where policies of this question run.
  var setting: PolicySetting {
    PolicySetting(
      granule: host.profile.granule,
      ipaBits: workload.profile.memory.ipaBits,
      release: kernel.profile.release,
      features: host.profile.features
    )
  }

  /// The files this question's answer comes from.
  var files: [String] {
    workload.files + host.files + kernel.files + (dump.map { [$0] } ?? [])
  }
}
