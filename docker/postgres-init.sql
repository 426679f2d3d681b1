-- Run once by the image, as superuser, when the data folder is new: two roles and their database. The owner
-- migrates; the app role owns nothing and cannot go around row-level security, or the gateway refuses to start.
\getenv owner_password MEMBERGRAPH_OWNER_PASSWORD
\getenv app_password MEMBERGRAPH_APP_PASSWORD

create role membergraph_owner login password :'owner_password' nosuperuser nobypassrls nocreatedb nocreaterole;
create role membergraph_app login password :'app_password' nosuperuser nobypassrls nocreatedb nocreaterole;

create database membergraph owner membergraph_owner;
revoke all on database membergraph from public;
grant connect on database membergraph to membergraph_app;

\connect membergraph
alter schema public owner to membergraph_owner;
revoke create on schema public from public;
