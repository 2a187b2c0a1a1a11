"""One small file per language: all that begins or ends a comment or a string in it, and what its comments are."""

from __future__ import annotations

SAMPLES: dict[str, tuple[str, list[str]]] = {
    "c": (
        "#include <a//b.h>\n"
        "int a = 1; // one \\\n"
        " still one\n"
        'char *s = "// no /* no */ \\" no";\n'
        "char c = '\"', d = '\\'', e = L'/';\n"
        "int b /* two */ = 2; /* three\n"
        "lines */ int f;\n",
        ["// one \\\n still one", "/* two */", "/* three\nlines */"],
    ),
    "cpp": (
        'auto s = R"x(// no )" /* no */)x"; // one\n'
        "int n = 1'000'000; // two\n"
        'auto t = u8R"(//)";\n'
        "char c = '/';\n",
        ["// one", "// two"],
    ),
    "java": (
        'String s = """\n // no " no \\""" no\n """; /** one */\nchar c = \'"\'; // two\nString t = "/*";\n',
        ["/** one */", "// two"],
    ),
    "c-sharp": (
        'var a = @"c:\\"; // one\n'
        'var b = $@"x "" // {a}"; var c = $"{a} // no";\n'
        'var d = """\n'
        ' // "" no\n'
        ' """; /* two */\n'
        "char e = '\"'; // three\n"
        "#region don't // four\n",
        ["// one", "/* two */", "// three", "// four"],
    ),
    "javascript": (
        'var a = /[/*]\\/ "/g; // one\n'
        "var b = 4 / 2 / 1; // two\n"
        "var c = `// no ${ `/* ${'`'} */` + \"}\" } no`; /* three */\n"
        "x = a.b / c; // four\n"
        "return /'/.test(\"'\"); // five\n"
        "var d = 'it\\'s' / 2; // six\n",
        ["// one", "// two", "/* three */", "// four", "// five", "// six"],
    ),
    "typescript": (
        "const a: string = `//`; // one\ntype B = /* two */ 'x';\n",
        ["// one", "/* two */"],
    ),
    "go": (
        's := `// \\` // one\nr := \'"\' /* two */\nt := "\\"//"\n',
        ["// one", "/* two */"],
    ),
    "rust": (
        'let a: &\'a str = r#"// " no"#; // one\n'
        "let b = '\"'; /* two /* nested */ */\n"
        'let c = b"//\n'
        '//"; /// three\n'
        "fn f<'b>(x: &'b u8) {} // four\n",
        ["// one", "/* two /* nested */ */", "/// three", "// four"],
    ),
    "php": (
        "<p>// no # no</p>\n"
        "<?php $a = 'it\\'s # no'; # one\n"
        "// two ?> // no\n"
        '<?= "// {$a}" /* three */ ?>\n'
        "<?php $b = <<<EOT\n"
        "// no\n"
        "  EOT; // four\n"
        "#[Attribute]\n",
        ["# one", "// two ", "/* three */", "// four"],
    ),
    "ruby": (
        'a = "# no #{b["# no"]} no" # one\n'
        "=begin\n"
        "two\n"
        "=end\n"
        "c = <<~A + <<-'B' # three\n"
        "# no\n"
        "A\n"
        " # no\n"
        " B\n"
        "d = /#[\\/#]/ # four\n"
        "e = %w[# no] + %q(# (no) #) # five\n"
        "f = :g / 2 # six\n"
        "__END__\n"
        "# no\n",
        ["# one", "=begin\ntwo\n=end", "# three", "# four", "# five", "# six"],
    ),
    "shell": (
        'a="# no $(b "# no") no" # one\n'
        "c=${#a} d=$# e=x#y # two\n"
        "cat <<EOF # three\n"
        "# no\n"
        "EOF\n"
        "f='# no'\\''#' g=$'\\'# no'\n"
        "echo \\# no <<< no # four\n",
        ["# one", "# two", "# three", "# four"],
    ),
    "kotlin": (
        'val a = "// ${b["//"]} no" // one\nval c = """// " \\""" /* two /* nested */ */\nval d = \'"\' // three\n',
        ["// one", "/* two /* nested */ */", "// three"],
    ),
    "Swift": (
        'let a = "// \\(b("//")) no" // one\n'
        'let c = #"// " no"# /* two /* nested */ */\n'
        'let d = """\n'
        "// no\n"
        '""" // three\n',
        ["// one", "/* two /* nested */ */", "// three"],
    ),
    "scala": (
        'val a = s"// ${b("//")} no" // one\n'
        'val c = """// " no""" /* two /* nested */ */\n'
        "val d = '\"'; val e = 'sym // three\n",
        ["// one", "/* two /* nested */ */", "// three"],
    ),
    "dart": (
        "var a = '// ${b['//']} no'; // one\n"
        "var c = r'\\'; /* two /* nested */ */\n"
        "var d = '''// '\n"
        "// no'''; /// three\n",
        ["// one", "/* two /* nested */ */", "/// three"],
    ),
    "lua": (
        "a = \"-- no\" -- one\n--[==[ two\n]] two ]==] b = [[-- no]] c = 'it\\'s --' -- three\nd = a - -b\n",
        ["-- one", "--[==[ two\n]] two ]==]", "-- three"],
    ),
    "haskell": (
        "a = \"-- no {- no\" -- one\nb x' = x' --> y {- two {- nested -} -}\nc = '\"' -- three\nd = a |-- b\n",
        ["-- one", "{- two {- nested -} -}", "-- three"],
    ),
    "sql": (
        "select 'it''s -- no' as \"a -- no\" -- one\nfrom b /* two\n */ where c = $x$ -- no $x$; -- three\n",
        ["-- one", "/* two\n */", "-- three"],
    ),
    "makefile": (
        'a = b \\# no # one \\\n still one\nc:\n\techo "# no" # two\n',
        ["# one \\\n still one", "# two"],
    ),
    "tex": (
        "a 5\\% no \\\\% one\n\\verb|% no| % two\n\\begin{verbatim}\n% no\n\\end{verbatim}\n",
        ["% one", "% two"],
    ),
    "clojure": (
        '(def a "; no \\" no") ; one\n(def b \\;) ;; two\n(def c \\") ; three\n',
        ["; one", ";; two", "; three"],
    ),
    "smalltalk": (
        'a := \'it\'\'s "no"\'. "one" b := $". "two "" two" c := 1.\n',
        ['"one"', '"two "" two"'],
    ),
    "python": (
        "#!/usr/bin/env python\n"
        "a = '# no' # one\n"
        "b = f\"# {a} no\" + r'\\'\n"
        "c = '''# no\n"
        "\"\"\" no''' # two\n"
        "d = b'\\'#' # three\n",
        ["# one", "# two", "# three"],
    ),
    "Vue": (
        "<template>// no <!-- one --></template>\n"
        '<script lang="ts">\n'
        "const a = '<!-- no -->' // two\n"
        "</script>\n"
        "<style>\n"
        "/* three */ a { b: '/*' }\n"
        "</style>\n"
        "<!-- four",
        ["<!-- one -->", "// two", "/* three */", "<!-- four"],
    ),
    "r": (
        "a <- \"# no\" # one\nb <- 'it\\'s # no' # two\n",
        ["# one", "# two"],
    ),
    "SCSS": (
        "a { b: '//'; } // one\n/* two */\n",
        ["// one", "/* two */"],
    ),
}
