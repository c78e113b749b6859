package dev.perennial.server.training;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where jobs survive a crash. Under one directory:
 *
 * <pre>
 *   uploads/ID/upload.json         what is wanted, where the upload can go on after its stream broke
 *   uploads/ID/examples.spool      not yet committed; without upload.json thrown away at a start
 *   jobs/ID/job.json               what the job is, written at every change that must survive
 *   jobs/ID/examples.spool         until it has ended
 *   jobs/ID/checkpoint             the last whole epoch, until it has ended
 *   copies/ID/...                  the same of other members' uploads and jobs
 *   copies/ID.next/...             what is to take its place once it is whole
 *   .../ID/lease                   in a cluster: by what right it is here
 * </pre>
 *
 * A commit writes {@code job.json} into the upload's directory and renames that: a job is there as
 * a whole or not at all. Safe for any thread as long as no two work on the same job.
 */
final class JobStore {

  private static final Logger log = LoggerFactory.getLogger(JobStore.class);
  static final String SPOOL = "examples.spool";
  static final String UPLOAD = "upload.json";
  static final String JOB = "job.json";
  static final String CHECKPOINT = "checkpoint";
  private static final String LEASE = "lease";
  private static final String NEXT = ".next";

  private final Disk disk;
  private final Path uploads;
  private final Path jobs;
  private final Path copies;

  JobStore(Path directory, Disk disk) {
    this.disk = disk;
    this.uploads = directory.resolve("uploads");
    this.jobs = directory.resolve("jobs");
    this.copies = directory.resolve("copies");
  }

  /** Makes the directories, and throws away uploads and copies that nobody can go on with. */
  void open() throws IOException {
    Files.createDirectories(jobs);
    Files.createDirectories(uploads);
    Files.createDirectories(copies);
    try (Stream<Path> left = Files.list(uploads)) {
      for (Path upload : left.toList()) {
        if (!Files.exists(upload.resolve(UPLOAD)) || !Files.exists(upload.resolve(SPOOL))) {
          disk.delete(upload);
        }
      }
    }
    openCopies();
    disk.forceDirectory(uploads);
    disk.forceDirectory(jobs);
    disk.forceDirectory(Optional.ofNullable(jobs.getParent()).orElseThrow());
  }

  /** What was offered, and is not whole, is of no use. */
  private void openCopies() throws IOException {
    for (String name : names(copies)) {
      boolean whole = isWhole(copies.resolve(name));
      if (!whole) {
        disk.delete(copies.resolve(name));
      } else if (name.endsWith(NEXT)) {
        replaceCopy(name.substring(0, name.length() - NEXT.length()));
      }
    }
  }

  /** Whether an upload or a job can be gone on with: its other files come after its spool. */
  boolean isWhole(Path directory) {
    return Files.exists(directory.resolve(UPLOAD)) || Files.exists(directory.resolve(JOB));
  }

  /** The copy that has grown beside it takes its place. */
  void replaceCopy(String id) throws IOException {
    disk.delete(copy(id));
    disk.move(nextCopy(id), copy(id));
    disk.forceDirectory(copies);
  }

  /** All jobs, oldest first; damaged ones are logged and left where they are. */
  List<JobJson.Stored> load() throws IOException {
    List<JobJson.Stored> found = new ArrayList<>();
    try (Stream<Path> directories = Files.list(jobs)) {
      for (Path directory : directories.toList()) {
        try {
          JobJson.Stored stored = JobJson.read(Files.readAllBytes(directory.resolve(JOB)));
          if (!directory.getFileName().toString().equals(stored.job().jobId())) {
            log.error("{}: names job {}: left out", directory, stored.job().jobId());
          } else {
            found.add(stored);
          }
        } catch (NoSuchFileException e) {
          disk.delete(directory); // a crash while it was being forgotten
        } catch (ServingException e) {
          log.error("{}: left out", directory, e);
        }
      }
    }
    found.sort(
        Comparator.comparing((JobJson.Stored stored) -> stored.job().created())
            .thenComparing(stored -> stored.job().jobId()));
    return found;
  }

  /** Uploads that can go on; damaged ones are thrown away, those of newer software are left. */
  List<UploadStart> loadUploads() throws IOException {
    List<UploadStart> found = new ArrayList<>();
    try (Stream<Path> directories = Files.list(uploads)) {
      for (Path directory : directories.toList()) {
        String id = directory.getFileName().toString();
        try {
          found.add(loadUpload(id));
        } catch (ServingException e) {
          boolean damaged = e.code() == ErrorCode.DATA_LOSS;
          log.error("upload {}: {}", id, damaged ? "thrown away" : "left where it is", e);
          if (damaged) {
            disk.delete(directory);
          }
        }
      }
    }
    return found;
  }

  /** Throws as {@link JobJson#read}. */
  UploadStart loadUpload(String uploadId) throws IOException {
    Path directory = uploads.resolve(uploadId);
    TrainingSpec spec = JobJson.readUpload(Files.readAllBytes(directory.resolve(UPLOAD)));
    return new UploadStart(uploadId, spec, true, SpoolReader.contents(directory.resolve(SPOOL)));
  }

  /**
   * A new upload's spool, with its directory.
   *
   * @param resumable what is wanted, where the upload can go on after a crash
   */
  Disk.Appender createSpool(String uploadId, @Nullable TrainingSpec resumable) throws IOException {
    Path directory = uploads.resolve(uploadId);
    Path spool = directory.resolve(SPOOL);
    if (Files.exists(spool)) {
      return disk.continueAt(spool, 0); // a crash came before its first example
    }
    Files.createDirectory(directory);
    if (resumable == null) {
      return disk.create(spool);
    }
    disk.replace(directory.resolve(UPLOAD), JobJson.writeUpload(resumable));
    disk.create(spool).close();
    disk.forceDirectory(directory);
    disk.forceDirectory(uploads);
    return disk.continueAt(spool, 0);
  }

  /** Goes on with an upload's spool behind its whole records. */
  Disk.Appender continueSpool(String uploadId, long bytes) throws IOException {
    return disk.continueAt(uploads.resolve(uploadId).resolve(SPOOL), bytes);
  }

  /** Cuts off what a crash has torn: what follows must stand behind whole records everywhere. */
  void cutSpool(String uploadId, long bytes) throws IOException {
    try (Disk.Appender appender = continueSpool(uploadId, bytes)) {
      appender.force();
    }
  }

  void deleteUpload(String uploadId) throws IOException {
    disk.delete(uploads.resolve(uploadId));
  }

  /** Turns an upload, whose spool is forced, into a job; durable on return. */
  void commit(String uploadId, TrainingJob job) throws IOException {
    Path upload = uploads.resolve(uploadId);
    disk.replace(upload.resolve(JOB), JobJson.write(job, false));
    disk.forceDirectory(upload);
    Path committed = jobs.resolve(job.jobId());
    disk.move(upload, committed);
    try {
      disk.forceDirectory(jobs);
      disk.forceDirectory(uploads);
    } catch (IOException e) {
      disk.delete(committed); // the caller is told that there is no job
      throw e;
    }
  }

  /** Durable on return. */
  void save(TrainingJob job, boolean cancelRequested) throws IOException {
    disk.replace(path(job.jobId(), JOB), JobJson.write(job, cancelRequested));
  }

  /** The same of a job that has ended: where there is no room, its checkpoint gives way. */
  void saveEnd(TrainingJob job) throws IOException {
    try {
      save(job, false);
    } catch (IOException e) {
      log.warn("job {}: its end cannot be written: without its checkpoint", job.jobId(), e);
      disk.delete(path(job.jobId(), CHECKPOINT));
      save(job, false);
    }
  }

  /** Frees what an ended job needs no more: all but what it was, also what a crash has left. */
  void deleteSpool(String jobId) throws IOException {
    Path job = jobs.resolve(jobId);
    for (String name : names(job)) {
      if (!name.equals(JOB)) {
        disk.delete(job.resolve(name));
      }
    }
  }

  /** Forgets a job; {@code job.json} goes first, and what a crash then leaves is not a job. */
  void delete(String jobId) throws IOException {
    disk.delete(path(jobId, JOB));
    disk.delete(jobs.resolve(jobId));
  }

  Path spool(String jobId) {
    return path(jobId, SPOOL);
  }

  long spoolBytes(String jobId) throws IOException {
    Path spool = spool(jobId);
    return Files.exists(spool) ? Files.size(spool) : 0;
  }

  SpoolReader openSpool(TrainingJob job) throws IOException {
    return SpoolReader.open(spool(job.jobId()), job.examples());
  }

  void saveCheckpoint(String jobId, byte[] bytes) throws IOException {
    disk.replace(path(jobId, CHECKPOINT), bytes);
  }

  Optional<byte[]> loadCheckpoint(String jobId) throws IOException {
    try {
      return Optional.of(Files.readAllBytes(path(jobId, CHECKPOINT)));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
  }

  /** Turns uploads and unfinished jobs into copies: whoever may work on them is to be found out. */
  void setAside() throws IOException {
    for (String id : names(uploads)) {
      setAside(uploads.resolve(id), id);
    }
    for (JobJson.Stored stored : load()) {
      String id = stored.job().jobId();
      if (!stored.job().state().ended()) {
        setAside(jobs.resolve(id), id);
      }
    }
  }

  /** Where a newer copy is there, this server has lost it, and died before it was deleted. */
  private void setAside(Path own, String id) throws IOException {
    if (isWhole(copy(id)) && Lease.AGE.compare(lease(copy(id)), lease(own)) > 0) {
      disk.delete(own);
    } else {
      disk.delete(copy(id));
      disk.move(own, copy(id));
    }
  }

  /** The copies of jobs that callers know; what cannot be read is left to whoever adopts it. */
  List<TrainingJob> registeredCopies() throws IOException {
    List<TrainingJob> jobs = new ArrayList<>();
    for (String id : copyIds()) {
      Path file = copy(id).resolve(JOB);
      try {
        if (Files.exists(file) && lease(copy(id)).registered()) {
          jobs.add(JobJson.read(Files.readAllBytes(file)).job());
        }
      } catch (ServingException e) {
        log.error("copy {}: left out", id, e);
      }
    }
    return jobs;
  }

  /** All that {@link #setAside} may have moved belongs to this server again. */
  void takeAllBack() throws IOException {
    for (String id : copyIds()) {
      takeBack(id);
    }
  }

  List<String> copyIds() throws IOException {
    return names(copies).stream().filter(name -> !name.endsWith(NEXT)).toList();
  }

  private static List<String> names(Path directory) throws IOException {
    try (Stream<Path> found = Files.list(directory)) {
      return found.map(path -> path.getFileName().toString()).toList();
    }
  }

  /** A copy becomes a job, or an upload; whether it is a job. */
  boolean takeBack(String id) throws IOException {
    boolean job = Files.exists(copies.resolve(id).resolve(JOB));
    Path place = (job ? jobs : uploads).resolve(id);
    disk.delete(nextCopy(id));
    disk.delete(place);
    disk.move(copies.resolve(id), place);
    disk.forceDirectory(job ? jobs : uploads);
    return job;
  }

  /** An upload becomes a copy. */
  void setAside(String uploadId) throws IOException {
    disk.delete(nextCopy(uploadId));
    disk.delete(copy(uploadId));
    disk.move(uploads.resolve(uploadId), copy(uploadId));
  }

  JobJson.Stored load(String jobId) throws IOException {
    return JobJson.read(Files.readAllBytes(path(jobId, JOB)));
  }

  /** Another member's job that has ended. */
  void saveEnded(TrainingJob job) throws IOException {
    Files.createDirectories(jobs.resolve(job.jobId()));
    save(job, false);
    disk.forceDirectory(jobs);
  }

  /** The directory of a job or an upload of one's own. */
  Path own(String id) {
    Path job = jobs.resolve(id);
    return Files.exists(job) ? job : uploads.resolve(id);
  }

  Path copy(String id) {
    return copies.resolve(id);
  }

  /** Where a copy grows that is to take its place. */
  Path nextCopy(String id) {
    return copies.resolve(id + NEXT);
  }

  /** Of a job, an upload or a copy. */
  Lease lease(Path directory) throws IOException {
    try {
      String[] parts =
          Files.readString(directory.resolve(LEASE)).split(" ", -1); // newer software may add more
      return new Lease(
          Long.parseLong(parts[0]), Long.parseLong(parts[1]), Boolean.parseBoolean(parts[2]));
    } catch (NoSuchFileException e) {
      return Lease.NONE;
    }
  }

  void saveLease(Path directory, Lease lease) throws IOException {
    String text = lease.token() + " " + lease.generation() + " " + lease.registered();
    disk.replace(directory.resolve(LEASE), text.getBytes(StandardCharsets.US_ASCII));
  }

  Path copies() {
    return copies;
  }

  Disk disk() {
    return disk;
  }

  private Path path(String jobId, String file) {
    return jobs.resolve(jobId).resolve(file);
  }
}
