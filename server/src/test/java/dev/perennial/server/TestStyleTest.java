package dev.perennial.server;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noMethods;

import com.tngtech.archunit.core.importer.ImportOption.OnlyIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Disabled;

/** What tests may not do: be switched off, give up quietly, or test against mocks. */
@AnalyzeClasses(packages = "dev.perennial", importOptions = OnlyIncludeTests.class)
class TestStyleTest {
  @ArchTest
  static final ArchRule noTestIsDisabled = noMethods().should().beAnnotatedWith(Disabled.class);

  @ArchTest
  static final ArchRule noTestClassIsDisabled =
      noClasses().should().beAnnotatedWith(Disabled.class);

  @ArchTest
  static final ArchRule noAssumptions =
      noClasses()
          .that()
          .doNotHaveSimpleName("TestStyleTest")
          .should()
          .dependOnClassesThat()
          .haveFullyQualifiedName(Assumptions.class.getName());

  @ArchTest
  static final ArchRule noMocks =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("org.mockito..", "org.easymock..", "io.mockk..", "mockit..");

  @ArchTest
  static final ArchRule noSleep =
      noClasses().should().callMethod(Thread.class, "sleep", long.class);
}
