// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import PageTables
import Profiles
import Quantities

/// Reads what a host shows of itself and makes a profile of it.
///
/// Plain reads of `/proc`, `/sys`, `/boot` and the log of the boot: nothing is written or started, nothing
/// needs a privilege. What no file says is the closest shipped host's, and is listed.
package struct HostDetector {
  private let files: HostFiles
  /// The boot's log and the kernel's configuration, where there are any.
  private let log: HostFiles.BootLog?
  private let configuration: HostFiles.Configuration?
  private var values: [ProfileText.Value] = []
  private var kernel: [ProfileText.Value] = []
  private var present: String?
  private var gaps: [DetectedHost.Gap] = []
  private var notes: [String] = []

  private init(_ files: HostFiles) {
    self.files = files
    (log, configuration) = (try? files.bootLog(), try? files.configuration())
  }

  /// What a host's files say of it; throws where it is no arm64 machine, or nothing can be read.
  package static func detect(_ files: HostFiles) throws(DetectionError) -> DetectedHost {
    var detector = HostDetector(files)
    return try detector.detected()
  }

  private mutating func detected() throws(DetectionError) -> DetectedHost {
    let processors: HostFiles.Processors
    do throws(HostFiles.Silence) {
      processors = try files.processors()
    } catch {
      throw DetectionError(
        description:
          "\(files.root): \(error); detection reads /proc and /sys of an arm64 host, or a copy "
          + "of them with --root"
      )
    }
    let core = try core(processors)
    count(processors)
    readGranule()
    readFeatures(core)
    readNetwork()
    if !values.contains(where: { $0.key == "nic.queues" }) { assumeQueues() }
    readRings()
    let release = readRelease()
    readPreemption(release)
    readTicks()
    readMode()
    readHugePages()
    readBudgets()
    let name = core.model?.name ?? core.name
    return DetectedHost(
      root: files.root,
      summary: "\(processors.count) cores \(name)" + (release.map { ", Linux \($0)" } ?? ""),
      parent: core.parent,
      values: values,
      kernel: kernel,
      present: present,
      gaps: gaps,
      notes: notes
    )
  }

  /// The core that the machine has most of.
  private struct Core {
    let model: ProcessorModel?
    let name: String
    let parent: String
    var isSame: Bool { model?.isSame ?? false }
  }

  private mutating func core(_ processors: HostFiles.Processors) throws(DetectionError) -> Core {
    let kind = processors.kinds[0].kind
    guard let implementer = kind.implementer, let part = kind.part else {
      let what = kind.words.isEmpty ? "another architecture" : kind.words
      throw DetectionError(
        description:
          "\(files.root): \(HostFiles.cores) says \(what), which is no arm64 machine; KVM/arm64 "
          + "runs on arm64 hosts: run this there, or name a copy of one's /proc and /sys by --root "
          + "(scripts/collect-host makes one)"
      )
    }
    if processors.kinds.count > 1 {
      notes.append(
        "\(processors.kinds.count) kinds of cores: all are taken for the most frequent one; bind guests and "
          + "teardown to one kind"
      )
    }
    let number = "0x\(String(implementer, radix: 16)) 0x\(String(part, radix: 16))"
    if let model = ProcessorModel.model(implementer: implementer, part: part) {
      return Core(model: model, name: number, parent: model.parent)
    }
    // FEAT_LSE2, FEAT_DIT and FEAT_LRCPC2 are mandatory from Armv8.4, and user space sees them.
    let isNew =
      processors.flags.isSuperset(of: ["uscat", "dit", "ilrcpc"])
      || log?.lines.contains { $0.contains("detected: \(Self.features[0].text)") } == true
    miss(
      "the core",
      "implementer and part \(number) are not among the \(ProcessorModel.known.count) known cores; it has "
        + "the features of Armv\(isNew ? "8.4 or later" : "8.3 or before")",
      "compare with 's2tune profiles list' and write its parent into the profile"
    )
    return Core(
      model: nil,
      name: "of an unknown kind (\(number))",
      parent: isNew ? ProcessorModel.new : ProcessorModel.old
    )
  }

  /// Sets a value; without a file it is assumed.
  private mutating func set(_ key: String, _ value: String, _ why: String, _ file: String? = nil) {
    let source = file.map { "measured: \($0)" } ?? "assumed"
    let value = ProfileText.Value(key: key, value: value, why: why, source: source)
    if key.hasPrefix("kernel.") { kernel.append(value) } else { values.append(value) }
  }

  private mutating func miss(_ key: String, _ reason: String, _ measure: String) {
    gaps.append(.init(key: key, reason: reason, measure: measure))
  }

  // MARK: - the machine

  private mutating func count(_ processors: HostFiles.Processors) {
    if let online = try? files.list(HostFiles.online), !online.numbers.isEmpty {
      let count = online.numbers.count
      set("host.cpus", "\(count)", "CPUs that are online", HostFiles.online)
    } else {
      set("host.cpus", "\(processors.count)", "cores that it names", HostFiles.cores)
    }
  }

  /// A huge page of the host is what one table of the last level spans: 512 pages of 4K, 2048 of 16K,
  /// 8192 of 64K.
  private mutating func readGranule() {
    let huge = "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"
    let granules = ["2097152": "4K", "33554432": "16K", "536870912": "64K"]
    if let size = try? files.value(huge), let granule = granules[size] {
      return set("host.granule", granule, "a huge page has \(size) bytes", huge)
    }
    let maps = "/proc/self/smaps"
    let pages = ["4 kB": "4K", "16 kB": "16K", "64 kB": "64K"]
    let lines = (try? files.text(maps, limit: 1 << 22))?.split(separator: "\n") ?? []
    if let line = lines.first(where: { $0.hasPrefix("KernelPageSize:") }),
      let granule = pages[line.split(separator: " ").dropFirst().joined(separator: " ")]
    {
      return set("host.granule", granule, "KernelPageSize of this program's memory", maps)
    }
    miss("host.granule", "neither \(huge) nor \(maps) says it", "getconf PAGESIZE")
  }

  /// The words of a boot that name a feature, and the word of a profile.
  private static let features: [(text: String, word: String)] = [
    ("Stage-2 Force Write-Back", "fwb"), ("TLB range maintenance instructions", "tlbirange"),
    ("ARMv8.4 Translation Table Level", "ttl"), ("(LPA2)", "lpa2"),
  ]
  /// The errata whose workaround repeats a TLBI and its barrier, and that of speculative AT.
  private static let errata: [(numbers: [String], word: String)] = [
    (
      ["Broken broadcast TLBI completion", "erratum 1009", "1286807", "2441009"],
      "repeat-tlbi-sync"
    ),
    (["1165522", "1319367", "1530923"], "speculative-at"),
  ]

  /// What only EL2 sees stands in the log of the boot; without one it is the same core's elsewhere.
  private mutating func readFeatures(_ core: Core) {
    let found = log?.lines.filter { $0.contains("CPU features: detected:") } ?? []
    guard let log, !found.isEmpty else {
      let whose =
        core.isSame ? "those of \(core.parent), which has the same core" : "those of \(core.parent)"
      miss(
        "host.features",
        "no log of the boot is in /var/log, and user space sees neither FWB nor range TLBI: taken are "
          + whose,
        "dmesg | grep -e 'CPU features' -e 'kvm \\['"
      )
      return
    }
    func has(_ text: String) -> Bool { found.contains { $0.contains(text) } }
    var words = Self.features.filter { has($0.text) }.map(\.word)
    if Self.isVHE(log.lines) { words.append("vhe") }
    words += Self.errata.filter { $0.numbers.contains(where: has) }.map(\.word)
    let listed = (try? CPUFeatures(listing: words.isEmpty ? "none" : words.joined(separator: ",")))
    set(
      "host.features",
      listed?.list ?? "none",
      "\(found.count) lines 'CPU features: detected', and the mode of KVM",
      log.source
    )
  }

  /// Whether the kernel runs at EL2: KVM says so, or all cores start there with the extension.
  private static func isVHE(_ lines: [Substring]) -> Bool {
    if let mode = lines.last(where: { $0.contains("mode initialized successfully") }) {
      return mode.contains("VHE") && !mode.contains("nVHE")
    }
    return lines.contains { $0.contains("detected: Virtualization Host Extensions") }
  }

  // MARK: - devices

  private mutating func readNetwork() {
    let interfaces: [String]
    do throws(HostFiles.Silence) {
      interfaces = try files.interfaces()
    } catch {
      return miss("nic.rate", "\(error)", "ethtool INTERFACE")
    }
    guard !interfaces.isEmpty else {
      return miss("nic.rate", "no interface has a device behind it", "ethtool INTERFACE")
    }
    let queues = interfaces.reduce(0) { $0 + ((try? files.receiveQueues(of: $1)) ?? 0) }
    let names = interfaces.joined(separator: ", ")
    if queues > 0 {
      // A profile has at most one queue a CPU: more share CPUs.
      let cpus = values.first { $0.key == "host.cpus" }.flatMap { Int($0.value) } ?? queues
      let more = queues > cpus ? ", of which so many have a CPU of their own" : ""
      set(
        "nic.queues",
        "\(min(queues, cpus))",
        "\(queues) receive queues of \(names)\(more)",
        HostFiles.interfaces
      )
    }
    let rates = interfaces.compactMap { name in
      (try? files.value("\(HostFiles.interfaces)/\(name)/speed")).flatMap { Int($0) }
        .flatMap { $0 > 0 ? (name: name, rate: $0) : nil }
    }
    if let fastest = rates.max(by: { $0.rate < $1.rate }) {
      let path = "\(HostFiles.interfaces)/\(fastest.name)/speed"
      set("nic.rate", "\(fastest.rate)Mbit/s", "the rate that the port has negotiated", path)
    } else {
      miss(
        "nic.rate",
        "no interface of \(names) says its rate (a virtual port has none)",
        "iperf3 -J from another machine, then s2tune observe"
      )
    }
    readThreads(interfaces)
    readAffinity(interfaces)
  }

  /// Where no device has queues, one a CPU: what most drivers ask for.
  private mutating func assumeQueues() {
    let cpus = values.first { $0.key == "host.cpus" }?.value ?? "1"
    set("nic.queues", cpus, "no device shows its queues; one a CPU stands for them")
  }

  private mutating func readThreads(_ interfaces: [String]) {
    let threaded = interfaces.filter {
      (try? files.value("\(HostFiles.interfaces)/\($0)/threaded")) == "1"
    }
    guard !threaded.isEmpty else { return }
    if threaded.count == interfaces.count {
      present = "napi=threaded"
    } else {
      notes.append("NAPI runs in threads on \(threaded.joined(separator: ", ")) only")
    }
  }

  /// Says which CPUs take no interrupt of a network device: a teardown there meets no softirq.
  private mutating func readAffinity(_ interfaces: [String]) {
    guard let online = try? files.list(HostFiles.online) else { return }
    let groups = interfaces.flatMap { (try? files.affinity(of: $0))?.groups ?? [] }
    guard !groups.isEmpty else { return }
    let used = groups.reduce(into: IndexSet()) { $0.formUnion($1.cpus.numbers) }
    let free = online.numbers.subtracting(used)
    if !free.isEmpty {
      let list = NumberList(free)
      notes.append(
        "no interrupt of a network device may come to CPUs \(list): bind teardowns there"
      )
    }
  }

  /// Rings and moderation by ethtool's own output, where the copy has it: no file of `/sys` does.
  private mutating func readRings() {
    for (option, key) in [("g", "nic.ring"), ("c", "nic.moderation")] {
      let names = ((try? files.names("/ethtool")) ?? []).filter { $0.hasSuffix("-\(option).txt") }
      let found = names.compactMap { [files] name in
        let path = "/ethtool/\(name)"
        let text = try? files.text(path, limit: 1 << 20)
        return text.flatMap { try? RecordingFile.read($0, named: path) }
      }
      if let recording = found.first,
        let setting = recording.settings.first(where: { $0.key == key })
      {
        set(key, setting.value, setting.reason, recording.file)
      } else {
        miss(key, "only ethtool tells", "ethtool -\(option) INTERFACE, then s2tune observe")
      }
    }
  }

  // MARK: - the kernel

  private mutating func readRelease() -> KernelRelease? {
    do throws(HostFiles.Silence) {
      let (release, reading) = try files.release()
      set("kernel.release", "\(release)", "the running kernel is \(reading.value)", reading.source)
      if let name = try? files.releaseName(), name.contains(".el") || name.contains("-azl") {
        notes.append(
          "\(name) is a vendor's kernel with code of later releases: which rules hold is told by counting "
            + "calls of its stage-2 functions with ftrace, not by its number"
        )
      }
      return release
    } catch {
      miss("kernel.release", "\(error)", "uname -r")
      return nil
    }
  }

  private mutating func readPreemption(_ release: KernelRelease?) {
    let version = (try? files.value("/proc/version")) ?? ""
    if version.contains("PREEMPT_RT") {
      notes.append("PREEMPT_RT is not modelled: its mmu_lock sleeps, and softirqs run in threads")
    }
    let isDynamic = version.contains("PREEMPT_DYNAMIC")
    if isDynamic {
      set("kernel.dynamic", "yes", "PREEMPT_DYNAMIC is in the version", "/proc/version")
    }
    if let (model, why, source) = preemption(version, isDynamic: isDynamic) {
      return set("kernel.preemption", model.rawValue, why, source)
    }
    let standard: PreemptionModel =
      release.map { $0 >= KernelRelease(major: 7, minor: 0) } == true ? .lazy : .voluntary
    set("kernel.preemption", standard.rawValue, "what distributions ship")
    miss(
      "kernel.preemption",
      "no file that could be read says it; \(standard.rawValue) stands for it",
      "cat /sys/kernel/debug/sched/preempt, or grep PREEMPT /boot/config-$(uname -r)"
    )
  }

  private func preemption(
    _ version: String,
    isDynamic: Bool
  ) -> (PreemptionModel, String, String)? {
    let switched = "/sys/kernel/debug/sched/preempt"
    if let text = try? files.value(switched),
      let open = text.firstIndex(of: "("), let close = text.firstIndex(of: ")"), open < close,
      let model = PreemptionModel(rawValue: String(text[text.index(after: open)..<close]))
    {
      return (model, "the model that is switched on: \(text)", switched)
    }
    let mark = "Dynamic Preempt: "
    if let log, let line = log.lines.last(where: { $0.contains(mark) }),
      let place = line.firstRange(of: mark),
      let model = PreemptionModel(
        rawValue: String(line[place.upperBound...].prefix { $0.isLetter })
      )
    {
      return (model, "the boot says \(mark)\(model.rawValue)", log.source)
    }
    // Other kernels do not read that word.
    if isDynamic, let words = try? files.commandLine(),
      let word = words.last(where: { $0.hasPrefix("preempt=") }),
      let model = PreemptionModel(rawValue: String(word.dropFirst(8)))
    {
      return (model, "the command line says \(word)", "/proc/cmdline")
    }
    if let configuration {
      let models: [(String, PreemptionModel)] = [
        ("CONFIG_PREEMPT_NONE", .none), ("CONFIG_PREEMPT_VOLUNTARY", .voluntary),
        ("CONFIG_PREEMPT_LAZY", .lazy), ("CONFIG_PREEMPT", .full),
      ]
      if let (option, model) = models.first(where: { configuration.options[$0.0] == "y" }) {
        return (model, "\(option)=y", configuration.source)
      }
    }
    if !isDynamic, version.contains(" PREEMPT ") {
      return (.full, "PREEMPT is in the version", "/proc/version")
    }
    return nil
  }

  private mutating func readTicks() {
    if let configuration, let ticks = configuration.options["CONFIG_HZ"] {
      return set("kernel.hz", ticks, "CONFIG_HZ=\(ticks)", configuration.source)
    }
    set("kernel.hz", "250", "what distributions ship on arm64")
    miss(
      "kernel.hz",
      "the kernel's configuration is not in /boot; 250 stands for it",
      "grep CONFIG_HZ= /boot/config-$(uname -r), or zcat /proc/config.gz"
    )
  }

  // MARK: - what is not modelled

  private mutating func readMode() {
    let words = (try? files.commandLine()) ?? []
    let mode = words.last { $0.hasPrefix("kvm-arm.mode=") }.map { $0.dropFirst(13) }
    let line = log?.lines.last { $0.contains("mode initialized successfully") }
    if mode == "protected" || line?.contains("Protected") == true {
      notes.append("pKVM is on and not modelled: EL2 walks its own tables, and pages are donated")
    }
    if mode == "nested" || line?.contains("+NV") == true {
      notes.append(
        "nested virtualization is on and not modelled: shadow tables are unmapped as well"
      )
    }
    if log?.lines.contains(where: { $0.contains("HYP mode not available") }) == true {
      notes.append("KVM does not run here: the boot says that EL2 is not available")
    }
  }

  private mutating func readHugePages() {
    let path = "/sys/kernel/mm/transparent_hugepage/enabled"
    if let text = try? files.value(path), let open = text.firstIndex(of: "["),
      let close = text.firstIndex(of: "]"), open < close
    {
      let word = text[text.index(after: open)..<close]
      let what =
        word == "always"
        ? "guests' memory is mapped by blocks where it is not fragmented (vm.block_share)"
        : "guests' memory is mapped by pages unless the VMM asks for more"
      notes.append("transparent huge pages: \(word); \(what)")
    }
    let folder = "/sys/kernel/mm/hugepages"
    let pools = ((try? files.names(folder)) ?? []).compactMap { name -> String? in
      let count = (try? files.value("\(folder)/\(name)/nr_hugepages")).flatMap { Int($0) } ?? 0
      return count > 0 ? "\(count) of \(name.dropFirst("hugepages-".count))" : nil
    }
    if !pools.isEmpty {
      notes.append(
        "hugetlb pages: \(pools.joined(separator: ", ")) (vm.hugetlb where guests use them)"
      )
    }
  }

  /// The limits of a softirq run that the simulator has as the kernel's own.
  private mutating func readBudgets() {
    let standard = [("netdev_budget", 300), ("dev_weight", 64)]
    for (name, value) in standard {
      let path = "/proc/sys/net/core/\(name)"
      guard let own = (try? files.value(path)).flatMap({ Int($0) }), own != value else { continue }
      notes.append("net.core.\(name) is \(own); simulated is the kernel's \(value)")
    }
  }
}
