package dev.perennial.server;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.util.ArrayList;
import java.util.List;

/** Who may use whom: the package table of ARCHITECTURE.md, held. */
@AnalyzeClasses(packages = "dev.perennial.server", importOptions = DoNotIncludeTests.class)
class ArchitectureTest {
  private static final String ROOT = "dev.perennial.server";

  @ArchTest static final ArchRule errorUsesNothing = only("error");

  @ArchTest static final ArchRule configUsesNothing = only("config", "error");

  @ArchTest static final ArchRule batchingUsesNothing = only("batching", "error");

  @ArchTest static final ArchRule gaussianUsesNothing = only("gaussian", "error");

  @ArchTest static final ArchRule scoringIsArithmetic = only("scoring", "gaussian", "error");

  @ArchTest static final ArchRule safetensorsUsesNothing = only("safetensors", "error");

  @ArchTest static final ArchRule imageUsesNothing = only("image", "error");

  @ArchTest static final ArchRule worldDrawsPictures = only("world", "image", "error");

  @ArchTest
  static final ArchRule pretrainingShowsTheWorldToClip =
      only("pretraining", "world", "clip", "image", "safetensors", "error");

  @ArchTest
  static final ArchRule taskKnowsNoEngine = only("task", "gaussian", "safetensors", "error");

  @ArchTest
  static final ArchRule storeKnowsTasks = only("task.store", "task", "safetensors", "error");

  @ArchTest
  static final ArchRule theProtocolKnowsNoNetwork =
      only("task.cluster", "cluster", "task", "error");

  @ArchTest static final ArchRule membersTalkAboutAnything = only("cluster", "error");

  @ArchTest
  static final ArchRule theNetworkKnowsNoTopic = only("cluster.hazelcast", "cluster", "error");

  @ArchTest
  static final ArchRule onlyOnePackageKnowsHazelcast =
      noClasses()
          .that()
          .resideOutsideOfPackage(ROOT + ".cluster.hazelcast..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("com.hazelcast..");

  @ArchTest
  static final ArchRule clipKnowsNoDevice =
      only("clip", "gaussian", "task", "safetensors", "image", "error");

  @ArchTest
  static final ArchRule deviceKnowsNoWire =
      only("device", "batching", "clip", "task", "scoring", "gaussian", "config", "error");

  @ArchTest
  static final ArchRule trainingKnowsNoWire =
      only("training", "device", "clip", "gaussian", "task", "image", "config", "error");

  @ArchTest
  static final ArchRule jobsAcrossMembersKnowNoNetwork =
      only("training.cluster", "cluster", "training", "task", "error");

  @ArchTest
  static final ArchRule grpcKnowsNoStore =
      only(
          "grpc",
          "device",
          "training",
          "task",
          "clip",
          "image",
          "scoring",
          "gaussian",
          "batching",
          "config",
          "error");

  @ArchTest static final ArchRule suitesKnowNoMethod = only("eval.data", "world", "image", "error");

  @ArchTest static final ArchRule chaosKnowsNoServer = only("chaos", "task", "error");

  @ArchTest static final ArchRule chartsUseNothing = only("eval.chart");

  @ArchTest
  static final ArchRule reportReadsResultsOnly = only("eval.report", "eval.chart", "error");

  @ArchTest
  static final ArchRule noCycles =
      slices().matching("dev.perennial.server.(*)..").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule onlyMainKnowsCommands =
      noClasses()
          .that()
          .resideOutsideOfPackages(ROOT + ".cli..", ROOT + ".eval..")
          .and()
          .doNotBelongToAnyOf(Main.class)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(ROOT + ".cli..", ROOT + ".eval..")
          .allowEmptyShould(true);

  @ArchTest
  static final ArchRule onlyTheWireKnowsVertx =
      noClasses()
          .that()
          .resideOutsideOfPackage(ROOT + ".grpc..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("io.vertx..");

  @ArchTest
  static final ArchRule onlyTheWireAndCommandsKnowMessages =
      noClasses()
          .that()
          .resideOutsideOfPackages(
              ROOT, ROOT + ".grpc..", ROOT + ".cli..", ROOT + ".eval..", ROOT + ".chaos..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "com.google.protobuf..", "com.google.rpc..", "dev.perennial.v1..", "io.grpc..");

  @ArchTest
  static final ArchRule serverPackagesDoNotUseTheClient =
      noClasses()
          .that()
          .resideOutsideOfPackages(ROOT + ".cli..", ROOT + ".eval..")
          .and()
          .doNotBelongToAnyOf(Main.class)
          .should()
          .dependOnClassesThat()
          .resideInAPackage("dev.perennial.client..");

  @ArchTest
  static final ArchRule onlyTheEngineKnowsDjl =
      noClasses()
          .that()
          .resideOutsideOfPackages(ROOT + ".clip..", ROOT + ".device..", ROOT + ".training..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("ai.djl..");

  @ArchTest
  static final ArchRule nobodyHelpsOrManages =
      classes()
          .should()
          .haveSimpleNameNotEndingWith("Manager")
          .andShould()
          .haveSimpleNameNotEndingWith("Helper")
          .andShould()
          .haveSimpleNameNotEndingWith("Util")
          .andShould()
          .haveSimpleNameNotEndingWith("Impl");

  /** A package of ours uses, of ours, only itself and the named ones. */
  private static ArchRule only(String name, String... others) {
    List<String> allowed = new ArrayList<>(List.of(ROOT + "." + name));
    for (String other : others) {
      allowed.add(ROOT + "." + other);
    }
    return noClasses()
        .that()
        .resideInAPackage(ROOT + "." + name)
        .should()
        .dependOnClassesThat(
            resideInAPackage(ROOT + "..")
                .and(DescribedPredicate.not(resideInAnyPackage(allowed.toArray(new String[0])))))
        .allowEmptyShould(true);
  }
}
