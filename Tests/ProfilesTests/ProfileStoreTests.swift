// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import PageTables
import Profiles
import Quantities
import Testing

/// A directory of models that lives as long as one test.
final class ModelsFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    for kind in ProfileKind.allCases {
      try FileManager.default.createDirectory(
        at: url.appendingPathComponent(kind.directory),
        withIntermediateDirectories: true
      )
    }
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func write(_ text: String, as name: String, kind: ProfileKind = .kernel) throws {
    let file = url.appendingPathComponent("\(kind.directory)/\(name).yaml")
    try Data(text.utf8).write(to: file)
  }

  var store: ProfileStore { ProfileStore(directories: [url]) }

  /// The sentence with which loading a kernel's text is refused.
  func refusal(_ text: String) throws -> String {
    try write(text, as: "mine")
    let error = #expect(throws: ProfileError.self) {
      try self.store.load(KernelProfile.self, named: "mine")
    }
    return error?.description ?? ""
  }
}

private let good = """
  profile: kernel
  summary: mine
  values:
    kernel.release: {value: '6.1', why: w, source: assumed}
    kernel.hz: {value: 1000, why: w, source: measured here}
  """

@Suite struct ProfileStoreTests {
  @Test func aUsersOwnFileWins() throws {
    let folder = try ModelsFolder()
    try folder.write(good, as: "6.1")
    let both = ProfileStore(directories: [folder.url] + shipped.directories)
    let kernel = try both.load(KernelProfile.self, named: "6.1")
    #expect(kernel.profile.hz == 1000)
    #expect(kernel.files == [folder.url.appendingPathComponent("kernels/6.1.yaml").path])
    #expect(kernel.count(of: .measured) == 1 && kernel.count(of: .assumed) == 1)
    #expect(try both.load(KernelProfile.self, named: "6.12").profile.hz == 250)
  }

  /// A stable update is its series with another release; one of a series without a profile is
  /// refused with the series around it.
  @Test func aStableUpdateIsItsSeries() throws {
    let series = try shipped.load(KernelProfile.self, named: "6.12")
    let update = try shipped.load(KernelProfile.self, named: "6.12.107")
    #expect(update.profile.name == "6.12.107")
    #expect(update.profile.release == KernelRelease(major: 6, minor: 12, patch: 107))
    #expect(update.profile.preemption == series.profile.preemption)
    #expect(update.files == series.files)
    let entry = try #require(update.entries.first { $0.key == "kernel.release" })
    #expect(entry.value == "6.12.107" && entry.provenance == .given)
    let error = #expect(throws: ProfileError.self) {
      try shipped.load(KernelProfile.self, named: "6.13.2")
    }
    #expect(error?.description.hasSuffix("; did you mean 6.12 or 6.16?") == true)
    #expect(
      error?.description.hasPrefix("no kernel profile '6.13.2', nor one of its series 6.13") == true
    )
    #expect(throws: ProfileError.self) { try shipped.load(HostProfile.self, named: "6.12.107") }
    // A file of one's own wins.
    let folder = try ModelsFolder()
    try folder.write(good, as: "6.12.107")
    let both = ProfileStore(directories: [folder.url] + shipped.directories)
    #expect(try both.load(KernelProfile.self, named: "6.12.107").profile.hz == 1000)
  }

  @Test func aParentFromAnotherDirectoryServes() throws {
    let folder = try ModelsFolder()
    try folder.write(
      "profile: host\nsummary: mine\nparent: graviton3\nvalues:\n"
        + "  tlbi.ipa_flush: {value: 2us, why: w, source: measured}\n",
      as: "mine",
      kind: .host
    )
    let both = ProfileStore(directories: [folder.url] + shipped.directories)
    let host = try both.load(HostProfile.self, named: "mine")
    #expect(host.profile.tlbi.ipaFlush == .nanoseconds(2000))
    #expect(host.profile.nic.queues == 64)
    #expect(host.files.count == 4)
  }

  @Test(arguments: [
    ("", "empty"),
    ("- a\n- b", "key: value"),
    ("profile: kernel\nsummary: x\nvalues: [", "not legal YAML"),
    ("profile: host\nsummary: x", "kernel in this directory"),
    ("summary: x", "'profile' is missing"),
    ("profile: kernel\nsummary: [a]", "a text is expected"),
    ("profile: kernel\nsummary: x\nvalue: 3", "'value' is not legal here"),
    ("profile: kernel\nsummary: x\nsummary: y", "written twice"),
    ("profile: kernel\nsummary: &a x\nparent: *a", "anchors and aliases"),
    ("profile: kernel\nsummary: x\nvalues: 3", "key: value"),
    ("profile: kernel\nsummary: x\nvalues:\n  kernel.hz: 250", ":4: 'kernel.hz'"),
    ("profile: kernel\nsummary: x\nvalues:\n  kernel.hz: {value: 250, why: w}", "'source'"),
    (
      "profile: kernel\nsummary: x\nvalues:\n  kernel.hz: {value: 250, why: w, source: rumour}",
      "measured, published, fitted or assumed"
    ),
    (
      "profile: kernel\nsummary: x\nvalues:\n  kernel.hz: {value: 60, why: w, source: assumed}",
      "mine.yaml:4: value '60' of kernel.hz is not legal; write 100, 250, 300, 1000"
    ),
    (
      "profile: kernel\nsummary: x\nvalues:\n  kernel.hertz: {value: 60, why: w, source: assumed}",
      "near it are kernel.hz"
    ),
    ("profile: kernel\nsummary: x\nparent: mine", "parents never end"),
    (
      "profile: kernel\nsummary: x\nparent: ../../etc/passwd",
      "mine.yaml:3: value '../../etc/passwd' of parent is not legal; write one of"
    ),
    (
      "profile: kernel\nsummary: x\nparent: '6.2'",
      "mine.yaml:3: value '6.2' of parent is not legal; write one of"
    ),
    ("profile: kernel\nsummary: x", "kernel.release is missing"),
  ])
  func hostileFilesGetASentence(text: String, part: String) throws {
    let sentence = try ModelsFolder().refusal(text)
    #expect(sentence.contains(part), "\(sentence)")
    #expect(!sentence.contains("\n"))
  }

  @Test func hugeDeepAndBinaryFilesAreRefused() throws {
    let folder = try ModelsFolder()
    #expect(try folder.refusal(String(repeating: "a", count: 300_000)).contains("too many"))
    let deep = "summary: " + String(repeating: "[", count: 5_000)
    #expect(try folder.refusal(deep).contains("nested deeper than 16"))
    let blocks = (0..<400).map { String(repeating: " ", count: $0) + "a:" }.joined(separator: "\n")
    #expect(try folder.refusal(blocks).contains("mine.yaml"))
    let file = folder.url.appendingPathComponent("kernels/mine.yaml")
    try Data([0xff, 0xfe, 0x00, 0x80]).write(to: file)
    let error = #expect(throws: ProfileError.self) {
      try folder.store.load(KernelProfile.self, named: "mine")
    }
    #expect(error?.description.contains("UTF-8") == true)
  }

  @Test(.timeLimit(.minutes(1))) func aPipeIsRefusedUnread() throws {
    let folder = try ModelsFolder()
    #expect(mkfifo(folder.url.appendingPathComponent("kernels/mine.yaml").path, 0o600) == 0)
    let error = #expect(throws: ProfileError.self) {
      try folder.store.load(KernelProfile.self, named: "mine")
    }
    #expect(error?.description.hasSuffix("cannot be read: it is no file, or not permitted") == true)
  }

  @Test func aHostThatLeavesValuesOutIsRefused() throws {
    let folder = try ModelsFolder()
    try folder.write("profile: host\nsummary: mine\nvalues: {}", as: "mine", kind: .host)
    let error = #expect(throws: ProfileError.self) {
      try folder.store.load(HostProfile.self, named: "mine")
    }
    let needed = HostProfile.keys.count { !$0.isSilentUnset }
    let part = "mine.yaml: \(needed) values, host.cpus the first, are missing"
    #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
  }

  @Test func everyTruncationIsLegalOrRefused() throws {
    let folder = try ModelsFolder()
    for length in 0..<good.utf8.count {
      try folder.write(String(good.prefix(length)), as: "mine")
      do {
        _ = try folder.store.load(KernelProfile.self, named: "mine")
      } catch {
        #expect(!error.description.isEmpty && !error.description.contains("\n"))
      }
    }
  }

  @Test func anUnknownNameListsTheLegalOnes() {
    let error = #expect(throws: ProfileError.self) {
      try shipped.load(HostProfile.self, named: "graviton9")
    }
    #expect(error?.description.contains("graviton3, graviton4") == true)
  }

  @Test func contradictionsBetweenValuesAreRefused() throws {
    var host = try shipped.load(HostProfile.self, named: "graviton3")
    try host.set("nic.queues", to: "65")
    #expect(throws: ProfileError.self) { try host.profile.check() }
    try host.set("host.cpus", to: "65")
    try host.profile.check()
    var kernel = try shipped.load(KernelProfile.self, named: "7.3")
    try kernel.set("kernel.preemption", to: "voluntary")
    #expect(throws: ProfileError.self) { try kernel.profile.check() }
    var churn = try shipped.load(WorkloadProfile.self, named: "container-churn")
    try churn.set("vm.ipa_bits", to: "36")
    #expect(throws: ProfileError.self) { try churn.profile.check() }
    try churn.set("vm.memory", to: "128GiB")
    #expect(churn.profile.memory.size == .gibibytes(128))
    #expect(churn.entries.first?.provenance == .given)
  }
}
