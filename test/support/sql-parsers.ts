import { type ANTLRErrorListener, CharStreams, CommonTokenStream, type Lexer, type Parser } from 'antlr4ts';
import { PlSqlLexer } from 'antlr4ts-sql/dist/src/grammar-output/plsql/PlSqlLexer';
import { PlSqlParser } from 'antlr4ts-sql/dist/src/grammar-output/plsql/PlSqlParser';
import { TSqlLexer } from 'antlr4ts-sql/dist/src/grammar-output/tsql/TSqlLexer';
import { TSqlParser } from 'antlr4ts-sql/dist/src/grammar-output/tsql/TSqlParser';
import { CaseChangingStream } from 'antlr4ts-sql/dist/src/models/CaseChangingStream';

/** Judges statements of databases that cannot be had here, by the grammars of https://github.com/antlr/grammars-v4. */
export const judges = {
  mssql: judge(TSqlLexer, TSqlParser, (parser) => parser.tsql_file()),
  oracle: judge(PlSqlLexer, PlSqlParser, (parser) => parser.sql_script(), terminated),
};

/** In a script, as the grammar has it, what a driver is given without a semicolon ends with one. */
function terminated(sql: string): string {
  return sql.endsWith(';') ? sql : `${sql};`;
}

/** @returns what the grammar has against a statement; empty when nothing */
function judge<P extends Parser>(
  lexerOf: new (input: CaseChangingStream) => Lexer,
  parserOf: new (tokens: CommonTokenStream) => P,
  parse: (parser: P) => unknown,
  spell: (sql: string) => string = (sql) => sql,
): (sql: string) => string[] {
  return (sql) => {
    const problems: string[] = [];
    const listener: ANTLRErrorListener<never> = {
      syntaxError: (_recognizer, _symbol, line, column, message) => {
        problems.push(`${line}:${column} ${message.slice(0, 80)} in ${sql}`);
      },
    };
    const lexer = new lexerOf(new CaseChangingStream(CharStreams.fromString(spell(sql)), true));
    const parser = new parserOf(new CommonTokenStream(lexer));
    for (const part of [lexer, parser]) {
      part.removeErrorListeners();
      part.addErrorListener(listener as ANTLRErrorListener<unknown>);
    }
    parse(parser);
    return problems;
  };
}
