import { type ANTLRErrorListener, CharStreams, CommonTokenStream, type Lexer, type Parser } from 'antlr4ts';
import { MultiQueryMySQLParser } from 'antlr4ts-sql/dist/src/grammar-output/mysql/MultiQueryMySQLParser';
import { MySQLLexer } from 'antlr4ts-sql/dist/src/grammar-output/mysql/MySQLLexer';
import { PlSqlLexer } from 'antlr4ts-sql/dist/src/grammar-output/plsql/PlSqlLexer';
import { PlSqlParser } from 'antlr4ts-sql/dist/src/grammar-output/plsql/PlSqlParser';
import { TSqlLexer } from 'antlr4ts-sql/dist/src/grammar-output/tsql/TSqlLexer';
import { TSqlParser } from 'antlr4ts-sql/dist/src/grammar-output/tsql/TSqlParser';
import { CaseChangingStream } from 'antlr4ts-sql/dist/src/models/CaseChangingStream';

/** 8.0, in the form of the grammar. */
const MYSQL_VERSION = 80_000;

/**
 * What the grammars of databases that cannot be had here (https://github.com/antlr/grammars-v4, MySQL's own) have against
 * a statement: nothing, when it is well formed.
 */
export const judges = {
  mssql: (sql: string) => problems(sql, new TSqlLexer(upperCase(sql)), TSqlParser, (parser) => parser.tsql_file()),

  mysql(sql: string) {
    // The grammar knows x'c3' alone, MySQL itself X'c3' as well.
    const spelled = terminated(sql.replace(/\bX'(?=[0-9a-f]*')/g, "x'"));
    const lexer = new MySQLLexer(CharStreams.fromString(spelled));
    lexer.serverVersion = MYSQL_VERSION;
    return problems(sql, lexer, MultiQueryMySQLParser, (parser) => {
      parser.serverVersion = MYSQL_VERSION;
      parser.sql_script();
    });
  },

  oracle: (sql: string) =>
    problems(sql, new PlSqlLexer(upperCase(terminated(sql))), PlSqlParser, (parser) => parser.sql_script()),
};

/** A grammar of scripts wants the semicolon that a driver does not. */
function terminated(sql: string): string {
  return sql.endsWith(';') ? sql : `${sql};`;
}

function upperCase(sql: string): CaseChangingStream {
  return new CaseChangingStream(CharStreams.fromString(sql), true);
}

function problems<P extends Parser>(
  sql: string,
  lexer: Lexer,
  parserOf: new (tokens: CommonTokenStream) => P,
  parse: (parser: P) => unknown,
): string[] {
  const found: string[] = [];
  const listener: ANTLRErrorListener<unknown> = {
    syntaxError: (_recognizer, _symbol, line, column, message) => {
      found.push(`${line}:${column} ${message.slice(0, 80)} in ${sql}`);
    },
  };
  const parser = new parserOf(new CommonTokenStream(lexer));
  for (const part of [lexer, parser]) {
    part.removeErrorListeners();
    part.addErrorListener(listener);
  }
  parse(parser);
  return found;
}
